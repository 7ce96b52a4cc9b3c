extension AnalysisCorpus {
  static let modifications = statements(
    #"""
    INSERT INTO u VALUES (1, 2, 'x', 3.5)
    INSERT INTO u VALUES (1)
    INSERT INTO u (c, id) VALUES ('x', 1)
    INSERT INTO u VALUES (1, 2), (3, 4)
    INSERT INTO u (id, c) VALUES (1, DEFAULT), (2, 'x')
    INSERT INTO u DEFAULT VALUES
    INSERT INTO u SELECT a, b, c, e FROM t
    INSERT INTO u (id, c) SELECT 1, 'x'
    INSERT INTO u SELECT * FROM u
    INSERT INTO u VALUES (1) RETURNING *
    INSERT INTO u AS x VALUES (1) RETURNING x.id, c || 'y' AS z
    INSERT INTO t (a, d, e, g, i, j, k) VALUES (1, 'x', 5, '2024-01-01', now(), 't', '1 day')
    INSERT INTO t (a, b, c) VALUES ('1', 2.5, 3)
    INSERT INTO t (c, n, r) VALUES (1, 2, 'z')
    INSERT INTO w (z) VALUES ('x') RETURNING y
    INSERT INTO w VALUES (1, DEFAULT, 'x')
    INSERT INTO idn (v) VALUES ('x') RETURNING *
    INSERT INTO idn (v, b) VALUES ('x', 5)
    INSERT INTO idn (id, v) OVERRIDING SYSTEM VALUE VALUES (1, 'x')
    INSERT INTO idn (id, v) OVERRIDING USER VALUE VALUES (1, 'x')
    INSERT INTO idn (id, v) VALUES (DEFAULT, 'x')
    INSERT INTO idn (g) VALUES (DEFAULT)
    INSERT INTO dr VALUES (1, 2)
    INSERT INTO dr (b) VALUES (1) RETURNING *
    WITH x AS (SELECT 1 AS n) INSERT INTO u SELECT n FROM x
    INSERT INTO u (id, v) SELECT a, count(*) FROM t GROUP BY a
    INSERT INTO u (id) SELECT 1 UNION SELECT 2
    INSERT INTO u (id, c) SELECT a, NULL FROM t ORDER BY b LIMIT 3
    INSERT INTO u (c) SELECT 'x' UNION SELECT 'y'
    INSERT INTO u (id) VALUES ((SELECT max(a) FROM t))
    INSERT INTO s2.t2 VALUES (1, 'x')
    INSERT INTO pgbench_accounts (aid, filler) VALUES (1, '')
    INSERT INTO t (a, h) VALUES (1, CURRENT_TIMESTAMP)
    INSERT INTO nope VALUES (1)
    INSERT INTO u VALUES (1, 2, 3, 4, 5)
    INSERT INTO u (id, c) VALUES (1)
    INSERT INTO u (id) VALUES (1, 2)
    INSERT INTO u (nope) VALUES (1)
    INSERT INTO u (id, id) VALUES (1, 2)
    INSERT INTO u VALUES ('x')
    INSERT INTO u (id) VALUES (true)
    INSERT INTO u (id) VALUES (now())
    INSERT INTO u (id) SELECT c FROM u
    INSERT INTO u (id) SELECT 'x'
    INSERT INTO u SELECT 1, 2, 'x', 4, 5
    INSERT INTO u (id, c) SELECT 1
    INSERT INTO u VALUES (1), (2, 3)
    INSERT INTO u VALUES (id)
    INSERT INTO u VALUES (u.id)
    INSERT INTO u VALUES (count(*))
    INSERT INTO u VALUES (1) RETURNING nope
    INSERT INTO u VALUES (1) RETURNING count(*)
    INSERT INTO u x VALUES (1)
    INSERT INTO u AS x VALUES (1) RETURNING u.id
    INSERT INTO idn (id, v) VALUES (1, 'x')
    INSERT INTO idn (g) VALUES (1)
    INSERT INTO idn (id) SELECT 1
    INSERT INTO idn VALUES (1), (2)
    INSERT INTO u (id) VALUES (generate_series(1, 2))
    INSERT INTO sq VALUES (1)
    INSERT INTO t_pkey VALUES (1)
    INSERT INTO u (ctid) VALUES ('(0,1)')
    INSERT INTO u (id) VALUES (DEFAULT + 1)
    INSERT INTO u (id) SELECT 2.5
    INSERT INTO u (id, a) VALUES (1, 'x'), (2, 3)
    INSERT INTO u (id) VALUES (1), (g)
    INSERT INTO u (id, c) VALUES (1, 2), (3, now())
    UPDATE u SET a = 1
    UPDATE u SET a = a + 1, c = 'x' WHERE id = 5
    UPDATE u x SET a = x.id
    UPDATE u SET (a, c) = (1, 'y')
    UPDATE u SET (a, c) = (SELECT b, c FROM t WHERE t.a = u.id)
    UPDATE u SET a = t.b FROM t WHERE t.a = u.id
    UPDATE u SET a = DEFAULT, v = 3 RETURNING id, a
    UPDATE w SET y = DEFAULT
    UPDATE idn SET v = 'y' RETURNING *
    UPDATE idn SET g = DEFAULT, id = DEFAULT
    UPDATE u SET v = 5, a = '7'
    UPDATE t SET n = c, d = 5
    UPDATE u SET a = x.a FROM u x WHERE x.id = u.id RETURNING u.*, x.a
    UPDATE pgbench_accounts SET abalance = abalance + 5 WHERE aid = 3
    UPDATE u SET (a) = ROW(1)
    WITH x AS (SELECT 1 AS n) UPDATE u SET a = n FROM x
    UPDATE u SET (a, c) = ROW(1, DEFAULT)
    UPDATE nope SET a = 1
    UPDATE u SET nope = 1
    UPDATE u SET a = 1, a = 2
    UPDATE u SET a = 'x'
    UPDATE u SET a = c
    UPDATE u SET id = now()
    UPDATE u SET a = nope
    UPDATE u SET u.a = 1
    UPDATE u SET a = 1 WHERE c
    UPDATE u SET a = 1 WHERE nope
    UPDATE u SET a = count(*)
    UPDATE u SET a = 1 FROM u
    UPDATE u SET a = 1 FROM nope
    UPDATE u SET (a, c) = (1, 2, 3)
    UPDATE u SET (a, c) = (SELECT 1)
    UPDATE u SET (a, c) = 5
    UPDATE idn SET g = 1
    UPDATE idn SET id = 1
    UPDATE u x SET a = u.id
    UPDATE u SET a = 1 RETURNING nope
    UPDATE u SET a = b FROM t, LATERAL (SELECT u.id) s
    UPDATE u SET ctid = NULL
    UPDATE u SET a = generate_series(1, 2)
    UPDATE sq SET last_value = 1
    UPDATE u SET a = 1 WHERE sum(id) > 1
    DELETE FROM u
    DELETE FROM u WHERE id = 1
    DELETE FROM u x WHERE x.id IN (SELECT a FROM t)
    DELETE FROM u USING t WHERE t.a = u.id RETURNING u.*, t.c
    DELETE FROM u RETURNING id AS gone, count
    DELETE FROM u RETURNING id AS gone
    WITH x AS (SELECT 1 AS n) DELETE FROM u USING x WHERE id = n
    DELETE FROM nope
    DELETE FROM u WHERE nope
    DELETE FROM u WHERE c
    DELETE FROM u USING u
    DELETE FROM u x WHERE u.id = 1
    DELETE FROM u WHERE count(*) > 1
    DELETE FROM u USING nope
    DELETE FROM u RETURNING sum(id)
    DELETE FROM t_pkey
    DELETE FROM u WHERE id = 'x'
    """#)

  static let conflicts = statements(
    #"""
    INSERT INTO u VALUES (1) ON CONFLICT DO NOTHING
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO NOTHING
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET c = 'x'
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET c = excluded.c, a = u.a + 1 WHERE u.id > 5 RETURNING *
    INSERT INTO u AS x VALUES (1) ON CONFLICT ON CONSTRAINT u_pkey DO UPDATE SET a = x.a + excluded.a
    INSERT INTO w VALUES (1, 2, 'x') ON CONFLICT (x, y) DO NOTHING
    INSERT INTO w VALUES (1, 2, 'x') ON CONFLICT (y, x) DO UPDATE SET z = excluded.z
    INSERT INTO w VALUES (1, 2, 'x') ON CONFLICT (lower(z)) DO NOTHING
    INSERT INTO w VALUES (1, 2, 'x') ON CONFLICT (y) WHERE x > 0 DO NOTHING
    INSERT INTO w VALUES (1, 2, 'x') ON CONFLICT ON CONSTRAINT w_key DO NOTHING
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET (a, c) = (1, 'x')
    INSERT INTO u VALUES (1) ON CONFLICT DO UPDATE SET a = 1
    INSERT INTO u VALUES (1) ON CONFLICT (nope) DO NOTHING
    INSERT INTO u VALUES (1) ON CONFLICT ON CONSTRAINT nope DO NOTHING
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET nope = 1
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET a = a
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET a = excluded.nope
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1 WHERE c
    INSERT INTO u VALUES (1) RETURNING excluded.id
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1 RETURNING excluded.id
    INSERT INTO u VALUES (1) ON CONFLICT (id DESC) DO NOTHING
    INSERT INTO u VALUES (1) ON CONFLICT (id NULLS FIRST) DO NOTHING
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET a = count(*)
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 'x'
    INSERT INTO u VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1, a = 2
    """#)

  static let parameters = statements(
    #"""
    SELECT $1::int
    SELECT $1
    SELECT a FROM t WHERE a = $1
    SELECT abalance FROM pgbench_accounts WHERE aid = $1
    UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2
    INSERT INTO u VALUES ($1, $2, $3, $4)
    INSERT INTO u VALUES ($1, $2), ($3, $4)
    SELECT a FROM t LIMIT $1 OFFSET $2
    SELECT $1 + 1
    SELECT $1 || 'x'
    SELECT lower($1)
    SELECT $1 = $2
    SELECT a FROM t WHERE c LIKE $1
    SELECT a FROM t WHERE a IN ($1, $2)
    SELECT a FROM t WHERE a = ANY ($1)
    SELECT CASE WHEN $1 THEN $2 ELSE 1 END
    SELECT COALESCE($1, a) FROM t
    SELECT $2::text, $1::int
    SELECT a BETWEEN $1 AND $2 FROM t
    SELECT $1::int + $1
    SELECT date_trunc('day', $1::timestamp)
    UPDATE u SET c = $1 WHERE id = $2 RETURNING $3::bool
    SELECT $1 UNION SELECT 2
    INSERT INTO u (id) SELECT $1
    INSERT INTO u (id, c) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM u WHERE id = $1)
    SELECT id IN (SELECT $1) FROM u
    SELECT $1 IS NULL
    SELECT $2
    SELECT $1::int, $1::text
    SELECT $1 = 1, $1 = 'x'::text
    SELECT $1 IS NULL, $1 = 1
    SELECT abs($1)
    SELECT $0
    SELECT sum($1) FROM t
    SELECT $1.a
    SELECT $1 + $2
    SELECT a + $1, $1 || c FROM t
    SELECT ($1)::varchar(3), $2::numeric(5,2)
    VALUES ($1, 1), (2, $2)
    SELECT 1 ORDER BY $1
    SELECT array_append($1, 2)
    SELECT $1 < ANY (ARRAY[1.5])
    SELECT GREATEST($1, $2)
    SELECT $70000
    """#)
}
