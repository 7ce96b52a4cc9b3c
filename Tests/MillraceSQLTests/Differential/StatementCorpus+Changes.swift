extension StatementCorpus {
  static let modifications = statements(
    #"""
    INSERT INTO m (id) VALUES (1)
    INSERT INTO m VALUES (2, 8, 'y', 3), (3, 9, 'z', NULL)
    INSERT INTO m (id, v) VALUES (4, DEFAULT) RETURNING *
    INSERT INTO m VALUES (1)
    INSERT INTO m (id, c) VALUES (5, 0)
    INSERT INTO m (id, t) VALUES (6, NULL)
    INSERT INTO m (v) VALUES (1)
    INSERT INTO m (id, v, t) VALUES (7, 8, 'y')
    SELECT * FROM m ORDER BY id
    INSERT INTO m VALUES (1, 1, 'new', 1) ON CONFLICT DO NOTHING
    INSERT INTO m VALUES (1, 50, 'new', 1) ON CONFLICT (id) DO UPDATE SET v = excluded.v, t = m.t || excluded.t
      RETURNING *
    INSERT INTO m VALUES (8, 8, 'y', 1) ON CONFLICT (v, t) DO UPDATE SET c = 77 WHERE m.id = 2 RETURNING id, c
    INSERT INTO m VALUES (9, 8, 'y', 1) ON CONFLICT (id) DO NOTHING
    INSERT INTO m VALUES (20, 20, 'q'), (20, 21, 'r') ON CONFLICT (id) DO UPDATE SET v = 0
    INSERT INTO m SELECT id + 100, id, t FROM v WHERE t IS NOT NULL
    INSERT INTO m (id, v, t) SELECT id + 200, k, coalesce(x, 'none') FROM ja RETURNING id, v, t
    SELECT count(*), sum(v) FROM m
    UPDATE m SET v = v + 1 WHERE id < 10 RETURNING id, v
    UPDATE m SET v = DEFAULT, c = 5 WHERE id = 2 RETURNING *
    UPDATE m SET id = id + 1000 WHERE id > 200
    UPDATE m SET id = 1 WHERE id = 2
    UPDATE m SET t = NULL WHERE id = 1
    UPDATE m SET c = -1 WHERE id = 1
    UPDATE m SET v = ja.k FROM ja WHERE ja.id = m.id AND ja.k IS NOT NULL RETURNING m.id, m.v, ja.x
    UPDATE m SET (v, t) = (SELECT k, 'sub' FROM ja WHERE ja.id = m.id) WHERE id IN (3, 4)
    UPDATE m SET (v, c) = (11, 12) WHERE id = 1 RETURNING v, c
    UPDATE m SET v = 1 / 0 WHERE id = 1
    UPDATE m SET v = 1 WHERE false
    UPDATE m SET v = v
    SELECT id, v, t, c FROM m ORDER BY id
    DELETE FROM m WHERE id > 1000 RETURNING id
    DELETE FROM m USING jb WHERE jb.id = m.id AND jb.k = 2 RETURNING m.id, jb.y
    DELETE FROM m WHERE id IN (SELECT id FROM ja WHERE k = 1)
    DELETE FROM m WHERE 1 / 0 = 1
    SELECT count(*) FROM m
    WITH d AS (DELETE FROM m WHERE id > 100 RETURNING id) SELECT count(*), min(id) FROM d
    WITH i AS (INSERT INTO m (id, t) VALUES (500, 'cte') RETURNING *) SELECT id, v, t FROM i
    SELECT * FROM m ORDER BY id
    DELETE FROM m
    INSERT INTO empty DEFAULT VALUES
    SELECT * FROM empty
    DELETE FROM empty WHERE a IS NULL
    INSERT INTO ser (v) VALUES ('a'), ('bcd') RETURNING *
    INSERT INTO ser (v) SELECT x FROM ja WHERE x IS NOT NULL ORDER BY id RETURNING id, g
    INSERT INTO ser (id, v, g) VALUES (1, 'x', 5)
    INSERT INTO ser VALUES (DEFAULT, 'q', DEFAULT) RETURNING *
    UPDATE ser SET v = v || 'longer' WHERE id = 1 RETURNING *
    UPDATE ser SET g = 1
    INSERT INTO ident (v) VALUES ('a') RETURNING *
    INSERT INTO ident VALUES (5, 'b')
    INSERT INTO ident OVERRIDING SYSTEM VALUE VALUES (50, 'b') RETURNING *
    INSERT INTO ident OVERRIDING USER VALUE VALUES (99, 'c') RETURNING *
    INSERT INTO ident (v) VALUES ('d'), ('e') RETURNING id
    SELECT * FROM ident ORDER BY id
    INSERT INTO v (id, i2) VALUES (200, 40000)
    INSERT INTO v (id, n2) VALUES (200, 1e9)
    INSERT INTO v (id, d) VALUES (200, '2024-02-30')
    INSERT INTO v (id, i4) VALUES (200, 'x')
    INSERT INTO v (id, i4) SELECT 200, t FROM v
    INSERT INTO v (id, t) VALUES (1, 'dup')
    UPDATE v SET id = 2 WHERE id = 1
    UPDATE v SET i4 = i4 + 1 WHERE id = 4
    SELECT i4 FROM v WHERE id = 4
    """#)

  static let transactions = statements(
    #"""
    BEGIN
    INSERT INTO empty VALUES (1, 'in')
    SAVEPOINT s
    INSERT INTO empty VALUES (2, 'lost')
    ROLLBACK TO s
    INSERT INTO empty VALUES (3, 'kept')
    SELECT * FROM empty ORDER BY a
    COMMIT
    SELECT * FROM empty ORDER BY a
    BEGIN
    CREATE TEMP TABLE once (k int PRIMARY KEY, v int) ON COMMIT DROP
    INSERT INTO once VALUES (1, 1)
    INSERT INTO once VALUES (1, 2) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *
    INSERT INTO once VALUES (1, 3) ON CONFLICT DO NOTHING RETURNING *
    INSERT INTO once VALUES (1, 4) ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *
    INSERT INTO once VALUES (2, 5)
    SELECT * FROM once WHERE k = 2 FOR SHARE
    INSERT INTO once VALUES (2, 6) ON CONFLICT DO NOTHING
    SELECT * FROM once ORDER BY k, v
    INSERT INTO once VALUES (1, 7)
    ROLLBACK
    INSERT INTO m VALUES (900, 900, 'once') ON CONFLICT (id) DO UPDATE SET v = 901
    BEGIN
    SELECT id FROM m WHERE id = 900 FOR UPDATE
    UPDATE m SET c = 902 WHERE id = 900
    INSERT INTO m VALUES (900, 903, 'twice') ON CONFLICT DO NOTHING
    SAVEPOINT s
    INSERT INTO m VALUES (900, 904, 'twice')
    ROLLBACK TO s
    DELETE FROM m WHERE id = 900
    INSERT INTO m VALUES (900, 905, 'again') RETURNING id, v
    ROLLBACK
    SELECT id, v, t FROM m WHERE id = 900
    SELECT * FROM unnest(ARRAY[1,2,3], ARRAY['a','b'])
    SELECT * FROM unnest(ARRAY[1,2], ARRAY['a','b']) AS u (n, t) WHERE n > 1
    SELECT u.* FROM ja, unnest(ARRAY[ja.id, 5], '{x,y,z}'::text[]) u ORDER BY 1, 2
    SELECT unnest, u FROM unnest('{1}'::int[], NULL::text[]) u
    SELECT j.id, u.b FROM ja j LEFT JOIN LATERAL unnest(ARRAY[j.id], ARRAY['p']) u (a, b) ON u.a = j.id ORDER BY 1
    SELECT count(*) FROM unnest('{}'::int[], '{}'::int[])
    SELECT * FROM unnest(1, 2)
    INSERT INTO m (id, v, t) SELECT * FROM unnest(ARRAY[910, 911], ARRAY[912, 913], ARRAY['u', 'v']) RETURNING id, v, t
    BEGIN; DELETE FROM empty; SELECT count(*) FROM empty
    ROLLBACK
    SELECT count(*) FROM empty
    BEGIN
    SELECT 1 / 0
    SELECT 1
    COMMIT
    SELECT 1
    ROLLBACK TO nope
    SAVEPOINT s
    BEGIN ISOLATION LEVEL REPEATABLE READ
    SHOW transaction_isolation
    COMMIT
    BEGIN READ ONLY
    INSERT INTO empty VALUES (9, 'x')
    ROLLBACK
    INSERT INTO empty VALUES (10, 'a'); SELECT 1 / 0; INSERT INTO empty VALUES (11, 'b')
    SELECT count(*) FROM empty
    PREPARE p(int) AS SELECT id, x FROM ja WHERE k = $1 ORDER BY id
    EXECUTE p(1)
    EXECUTE p(2)
    EXECUTE p(NULL)
    EXECUTE p
    EXECUTE p('x')
    DEALLOCATE p
    EXECUTE p(1)
    PREPARE q AS INSERT INTO empty VALUES ($1, $2) RETURNING *
    EXECUTE q(77, 'prep')
    BEGIN
    DECLARE c CURSOR FOR SELECT id FROM ja ORDER BY id
    FETCH 2 FROM c
    FETCH NEXT FROM c
    MOVE 1 FROM c
    FETCH ALL FROM c
    FETCH 1 FROM c
    CLOSE c
    FETCH 1 FROM c
    ROLLBACK
    SHOW TimeZone
    SET DateStyle = 'German'
    SELECT date '2024-01-02', timestamp '2024-01-02 03:04'
    RESET DateStyle
    SET nope = 1
    SET work_mem = 'x'
    SHOW nope
    """#)

  static let definitions = statements(
    #"""
    CREATE TABLE v (a int)
    CREATE TABLE IF NOT EXISTS v (a int)
    CREATE TABLE bad (a int, a int)
    CREATE TABLE bad (a nope)
    CREATE TABLE bad (a int PRIMARY KEY, b int PRIMARY KEY)
    CREATE TABLE d1 (a int DEFAULT 1 + 1, b text DEFAULT 'x' || 'y', c numeric(5,2) DEFAULT 1.234)
    INSERT INTO d1 DEFAULT VALUES RETURNING *
    CREATE TABLE bad (a int DEFAULT 'x')
    CREATE TABLE bad (a int DEFAULT b)
    CREATE TABLE bad (a int CHECK (a))
    CREATE TABLE bad (a int CHECK (b > 1))
    CREATE TABLE bad (a int CHECK (a > (SELECT 1)))
    CREATE TABLE bad (a int CHECK (count(a) > 1))
    ALTER TABLE d1 ADD COLUMN e int DEFAULT 5
    SELECT * FROM d1
    ALTER TABLE d1 DROP COLUMN b
    SELECT * FROM d1
    INSERT INTO d1 VALUES (1, 2, 3) RETURNING *
    ALTER TABLE d1 RENAME COLUMN e TO f
    SELECT f FROM d1 ORDER BY f
    ALTER TABLE d1 ADD CONSTRAINT pos CHECK (a > 0)
    INSERT INTO d1 (a) VALUES (-1)
    ALTER TABLE d1 ADD COLUMN a int
    ALTER TABLE d1 DROP COLUMN nope
    ALTER TABLE d1 ALTER COLUMN a SET NOT NULL
    INSERT INTO d1 (a) VALUES (NULL)
    CREATE UNIQUE INDEX d1_a ON d1 (a)
    CREATE INDEX d1_a ON d1 (a)
    CREATE INDEX ON d1 (nope)
    INSERT INTO d1 (a) VALUES (2)
    CREATE VIEW v1 AS SELECT a, f AS g FROM d1
    SELECT * FROM v1 ORDER BY a
    CREATE VIEW v1 AS SELECT 1
    CREATE OR REPLACE VIEW v1 AS SELECT a, f AS g, 1 AS one FROM d1
    SELECT one FROM v1 LIMIT 1
    CREATE VIEW bad AS SELECT nope FROM d1
    DROP TABLE d1
    DROP VIEW v1
    DROP TABLE d1
    DROP TABLE d1
    DROP TABLE IF EXISTS d1
    CREATE TABLE ct AS SELECT id, x FROM ja WHERE id < 3
    SELECT * FROM ct ORDER BY id
    TRUNCATE ct
    SELECT count(*) FROM ct
    DROP TABLE ct
    CREATE TEMP TABLE tmp (a int)
    INSERT INTO tmp VALUES (1)
    SELECT * FROM tmp
    CREATE SCHEMA sc
    CREATE TABLE sc.t (a int)
    SELECT * FROM sc.t
    DROP SCHEMA sc
    DROP SCHEMA sc CASCADE
    CREATE SEQUENCE seq1
    ALTER SEQUENCE seq1 RESTART WITH 9
    SELECT nextval('seq1')
    DROP SEQUENCE seq1
    SELECT nextval('seq1')
    COMMENT ON TABLE v IS 'x'
    DROP TABLE nope
    DROP INDEX nope
    CREATE TABLE pg_catalog.x (a int)
    CREATE TABLE nowhere.x (a int)
    LOCK TABLE nope
    TRUNCATE nope
    """#)
}
