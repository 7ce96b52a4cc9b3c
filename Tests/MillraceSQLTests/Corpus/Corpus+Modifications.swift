extension Corpus {
  static let modifications = #"""
    INSERT INTO t VALUES (1);
    INSERT INTO t (a, b) VALUES (1, 'x'), (2, DEFAULT);
    INSERT INTO s.t DEFAULT VALUES;
    INSERT INTO t AS x (a) SELECT b FROM u WHERE c RETURNING x.a, *;
    INSERT INTO t (a[1], b.c, d[2].e) VALUES (1, 2, 3);
    INSERT INTO t SELECT * FROM u ORDER BY 1 LIMIT 5;
    INSERT INTO t TABLE u;
    INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (1);
    INSERT INTO t (a) OVERRIDING USER VALUE SELECT 1;
    INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING;
    INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING RETURNING a AS b;
    INSERT INTO t VALUES (1, 2) ON CONFLICT (a, lower(b) COLLATE "C" text_ops) WHERE c > 0 DO UPDATE SET b = excluded.b;
    INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET a = t.a + 1, (b, c) = (1, 2) WHERE t.a < 9;
    INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = DEFAULT;
    WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x;
    WITH x AS (SELECT 1) INSERT INTO t WITH y AS (SELECT 2) SELECT * FROM x, y;
    INSERT INTO t VALUES (CURRENT_TIMESTAMP, (SELECT max(a) FROM t), $1);
    INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, 1, -100, CURRENT_TIMESTAMP);
    INSERT INTO t (VALUES (1), (2));
    INSERT INTO t (SELECT 1);
    UPDATE t SET a = 1;
    UPDATE pgbench_accounts SET abalance = abalance + -4711 WHERE aid = 77;
    UPDATE ONLY s.t AS x SET a = x.a + 1, b = DEFAULT WHERE x.c = 1 RETURNING x.*, a + b AS c;
    UPDATE t SET a = u.b FROM u JOIN v ON u.c = v.c WHERE t.d = u.d;
    UPDATE t SET (a, b) = (1, 2);
    UPDATE t SET (a, b) = ROW(1, DEFAULT), c = 3;
    UPDATE t SET (a, b, c) = (SELECT 1, 2, 3), d = 4, (e, f) = (SELECT 5, 6);
    UPDATE t SET (a) = (1);
    UPDATE t SET (a) = ROW(1);
    UPDATE t SET a[1] = 2, b.c = 3, d[1:2] = ARRAY[4, 5], e[1].f = 6;
    UPDATE t SET a = 1 WHERE CURRENT OF cursor;
    UPDATE t x SET a = 1;
    WITH x AS (SELECT 1 AS a) UPDATE t SET a = x.a FROM x;
    DELETE FROM t;
    DELETE FROM ONLY t AS x WHERE x.a = 1 RETURNING *;
    DELETE FROM t USING u, v WHERE t.a = u.a AND u.b = v.b;
    DELETE FROM t WHERE CURRENT OF "Cursor";
    DELETE FROM t x USING u AS y WHERE x.a = y.a RETURNING x.a, y.b;
    WITH x AS (DELETE FROM t RETURNING *) DELETE FROM u USING x WHERE u.a = x.a;
    """#
}
