import MillraceStorage

/// One cluster a version of PostgreSQL, with something of everything in it, made when first asked for and shut down.
/// Tests that change it take a copy.
package enum SharedCluster {
  private static let version15 = Result { try make(15) }
  private static let version18 = Result { try make(18) }

  package static func of(_ majorVersion: Int) throws -> PostgresCluster {
    try majorVersion == 15 ? version15.get() : version18.get()
  }

  private static func make(_ majorVersion: Int) throws -> PostgresCluster {
    let cluster = try PostgresCluster(PostgresInstallation.required(majorVersion))
    cluster.temporary.removeAtExit()
    let place = try cluster.makeDirectory("tablespace")
    try cluster.whileRunning {
      try cluster.query(
        // Every access method that the server has without extensions, values too long for a page, dead tuples.
        """
        CREATE TABLE many (id int PRIMARY KEY, word text, place point, tags int[], span int4range);
        INSERT INTO many
          SELECT i, md5(i::text), point(i, i % 100), ARRAY[i % 7, i % 11], int4range(i, i + 10)
          FROM generate_series(1, 20000) i;
        CREATE INDEX many_hash ON many USING hash (word);
        CREATE INDEX many_gist ON many USING gist (place);
        CREATE INDEX many_gin ON many USING gin (tags);
        CREATE INDEX many_brin ON many USING brin (id);
        CREATE INDEX many_spgist ON many USING spgist (span);
        UPDATE many SET word = word || 'x' WHERE id % 10 = 0;
        DELETE FROM many WHERE id % 9 = 0;
        """,
        """
        CREATE TABLE wide (id int, body text);
        ALTER TABLE wide ALTER body SET STORAGE EXTERNAL;
        INSERT INTO wide SELECT i, repeat(md5(i::text), 1000) FROM generate_series(1, 30) i;
        CREATE UNLOGGED TABLE unlogged AS SELECT * FROM many LIMIT 1000;
        CREATE SEQUENCE counter;
        CREATE TABLE rewritten AS SELECT * FROM many LIMIT 500;
        """,
        "VACUUM FULL rewritten",
        "VACUUM many",
        "CREATE TABLESPACE beside LOCATION '\(place)'",
        "CREATE TABLE elsewhere TABLESPACE beside AS SELECT * FROM many LIMIT 2000",
        "CREATE TABLESPACE within LOCATION ''",
        "CREATE TABLE in_place TABLESPACE within AS SELECT * FROM many LIMIT 100",
        "CREATE DATABASE second TABLESPACE beside",
        "CHECKPOINT")
    }
    return cluster
  }
}
