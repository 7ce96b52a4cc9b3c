/// Statements over the tables of ``AnalyzerRig/schema``.
enum AnalysisCorpus {
  static var all: [String] {
    expressions + functions + casts + names + joins + grouping + sorting + setOperations + commonTables + subqueries
      + modifications + conflicts + parameters + views
  }

  /// What PostgreSQL answers otherwise, and why.
  static let departures: [String: String] = [
    "SELECT 0x FROM t": "the grammar is that of version 15",
    "SELECT max(a) OVER () FROM t LIMIT 0": "window functions are not supported",
    "INSERT INTO sq VALUES (1)": "refused here, and there when it runs",
    "UPDATE sq SET last_value = 1": "refused here, and there when it runs",
    "SELECT $70000": "nobody can send so many",
  ]

  static let expressions = statements(
    #"""
    SELECT 1, 1.5, 'x', true, NULL, 2147483648, 9223372036854775808, 1e10, -1, -2147483648
    SELECT 1 + 1, 1 + 1.5, 1 + 2147483648, 1.5 + 1e0, 1::smallint + 1::smallint, 2::float8 + 1, 1::real + 1::int8
    SELECT a + b, a + p, b * e, e * e, f / q, p - a, a % p, b % a, -a, -e, +f, @ a, |/ f, a # 3, ~ a, a << 2 FROM t
    SELECT 'a' || 'b', c || d, c || 1, 1 || c, d || n, r || 'x', c || NULL, 'x' || 1.5 FROM t
    SELECT a = b, a < p, c = d, d = 'x', n = 'abc', e > 1, f >= 2, g = '2024-01-01', i < now(), r = c FROM t
    SELECT a = '5', '5' = a, 1 = '1', '1' = '1', 'a' < 'b', NULL = NULL, NULL = 1, a = NULL FROM t
    SELECT g + 1, 1 + g, g - g, g - 1, g + k, h - h, h + k, i - k, i - i, k + k, k * 2, 2 * k, k / 2.5, o + k FROM t
    SELECT g + '1 day', h - '1 day', i + '2 hours', g - '2024-01-01', h - '2024-01-01' FROM t
    SELECT j AND a > 1 OR NOT j, j IS TRUE, j IS NOT FALSE, j IS UNKNOWN, a IS NULL, c IS NOT NULL FROM t
    SELECT a BETWEEN 1 AND 5, c NOT BETWEEN 'a' AND 'b', e BETWEEN SYMMETRIC 5 AND 1, g BETWEEN '2024-01-01' AND h
      FROM t
    SELECT c LIKE 'a%', d ILIKE '%x', n NOT LIKE 'b_', r LIKE 'q%', c SIMILAR TO '(a|b)%', c LIKE 'a' ESCAPE '!'
      FROM t
    SELECT c ~ 'a', d ~* 'b', n !~ 'c', r !~* 'd', m LIKE '\x00' FROM t
    SELECT a IN (1, 2, 3), a NOT IN (1, 2), b IN (1, 2147483648), e IN (1, 2.5), c IN ('a', 'b'), a IN (b, 3) FROM t
    SELECT a IN (1), c IN ('a'), a IN (NULL, 1), p IN (1, 2), (a, b) IN ((1, 2), (3, 4)), d IN ('x', c) FROM t
    SELECT a = ANY ('{1,2}'), a = ANY (ARRAY[1, 2]), a <> ALL (ARRAY[1, 2]::int8[]), c = ANY (ARRAY['a', 'b']) FROM
      t
    SELECT CASE WHEN a > 1 THEN 1 ELSE 2.5 END, CASE a WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, CASE WHEN j THEN c
      END FROM t
    SELECT CASE WHEN j THEN NULL ELSE NULL END, CASE c WHEN 'x' THEN a ELSE b END, CASE WHEN j THEN d ELSE d END
      FROM t
    SELECT CASE a WHEN 1 THEN c ELSE d END, CASE 'a' WHEN 'b' THEN 1 END, CASE WHEN true THEN g ELSE h END FROM t
    SELECT COALESCE(a, b), COALESCE(c, 'x'), COALESCE(NULL, NULL), COALESCE(d, d), COALESCE(e, 0), COALESCE(g, h)
      FROM t
    SELECT GREATEST(1, 2.5), LEAST(a, b, p), GREATEST('a', c), LEAST('x', 'y'), GREATEST(g, '2024-01-01'), LEAST(e,
      e) FROM t
    SELECT NULLIF(a, 1), NULLIF(1, 2.5), NULLIF('a', c), NULLIF(d, 'x'), NULLIF(a, b), NULLIF('a', 'b') FROM t
    SELECT a IS DISTINCT FROM b, c IS NOT DISTINCT FROM d, a IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM a FROM
      t
    SELECT (a, b) = (1, 2), (a, c) < (1, 'x'), (a, b) <> (b, a), ROW(a) = ROW(1), (a, b) IS NOT DISTINCT FROM (1, 2)
      FROM t
    SELECT ROW(1, 'a'), (a, b), ROW(a) FROM t
    SELECT ARRAY[1, 2], ARRAY['a', 'b'], ARRAY[1, 2.5], ARRAY[a, b], ARRAY[c, d], ARRAY[NULL, 1], ARRAY[]::int[]
      FROM t
    SELECT current_date, current_time, current_timestamp, localtime, localtimestamp, current_user, session_user,
      user
    SELECT current_timestamp(3), current_time(2), localtimestamp(0), localtime(1), current_catalog, current_schema,
      current_role
    SELECT EXTRACT(year FROM h), EXTRACT(epoch FROM k), EXTRACT(dow FROM g), date_part('day', i), h AT TIME ZONE
      'UTC' FROM t
    SELECT substring(c FROM 1 FOR 2), substring(c FROM 'a'), position('a' IN c), trim(c), trim(both 'x' from c),
      overlay(c placing 'x' from 1) FROM t
    SELECT 1 WHERE true
    SELECT
    SELECT FROM t
    SELECT a FROM t WHERE j
    SELECT a FROM t WHERE 't'
    SELECT a::text COLLATE "C" FROM t
    SELECT c COLLATE "C" < 'x' FROM t
    SELECT 0x FROM t
    SELECT a + c FROM t
    SELECT c + c FROM t
    SELECT a = c FROM t
    SELECT j + 1 FROM t
    SELECT 'a' + 'b'
    SELECT 1 + 'a'
    SELECT '1' + '2'
    SELECT 'x' * 1.5
    SELECT -'1'
    SELECT @ 'x'
    SELECT ~ '1'
    SELECT NOT a FROM t
    SELECT a AND j FROM t
    SELECT j OR c FROM t
    SELECT a IS TRUE FROM t
    SELECT c IS NOT UNKNOWN FROM t
    SELECT 1 FROM t WHERE a
    SELECT 1 FROM t WHERE c
    SELECT 1 FROM t WHERE 'maybe'
    SELECT 1 WHERE 1
    SELECT a !!! b FROM t
    SELECT !! a FROM t
    SELECT a OPERATOR(pg_catalog.+) 1 FROM t
    SELECT a OPERATOR(s2.+) 1 FROM t
    SELECT a OPERATOR(nowhere.+) 1 FROM t
    SELECT k + 1 FROM t
    SELECT g + g FROM t
    SELECT m || c FROM t
    SELECT l = 'x' FROM t
    SELECT a = ANY (1) FROM t
    SELECT a = ANY (c) FROM t
    SELECT a + ANY (ARRAY[1]) FROM t
    SELECT a = ANY ('{x}') FROM t
    SELECT CASE WHEN a THEN 1 END FROM t
    SELECT CASE WHEN j THEN 1 ELSE 'x' END FROM t
    SELECT CASE WHEN j THEN a ELSE c END FROM t
    SELECT CASE WHEN j THEN g ELSE a END FROM t
    SELECT CASE a WHEN 'x' THEN 1 END FROM t
    SELECT CASE c WHEN 1 THEN 1 END FROM t
    SELECT COALESCE(a, c) FROM t
    SELECT COALESCE(1, 'x')
    SELECT GREATEST(a, c) FROM t
    SELECT NULLIF(a, c) FROM t
    SELECT NULLIF(1, 'x')
    SELECT a IS DISTINCT FROM c FROM t
    SELECT (a, b) = (1, 2, 3) FROM t
    SELECT (a, b) < (1, 'x') FROM t
    SELECT a IN (1, 'x') FROM t
    SELECT a IN ('1', c) FROM t
    SELECT g IN (1, 2) FROM t
    SELECT a IN (j, 1) FROM t
    SELECT (a, b) IN ((1, 2, 3)) FROM t
    SELECT ARRAY[]
    SELECT ARRAY[1, 'x']
    SELECT ARRAY[a, c] FROM t
    SELECT a BETWEEN 'x' AND 3 FROM t
    SELECT a LIKE 'x' FROM t
    SELECT EXTRACT(year FROM c) FROM t
    SELECT EXTRACT(year FROM 'x')
    SELECT DEFAULT
    SELECT a FROM t WHERE DEFAULT
    SELECT LEAST(ROW(1), ROW(2))
    SELECT a COLLATE "C" FROM t
    SELECT c COLLATE nowhere FROM t
    """#)

  static let functions = statements(
    #"""
    SELECT lower(c), upper(d), length(n), length(m), abs(a), abs(e), abs(-1.5), round(e), round(e, 1), round(f),
      floor(1.5), ceil(f) FROM t
    SELECT sqrt(2), power(2, 3), power(2.0, 3), exp(1), ln(2.0), log(10), mod(a, 2), mod(b, a), trunc(1.5), sign(f),
      random(), pi() FROM t
    SELECT substr(c, 1), substr(c, 1, 2), replace(c, 'a', 'b'), lpad(c, 5), rpad(d, 5, 'x'), left(c, 1), right(c,
      2), repeat(c, 3), reverse(c) FROM t
    SELECT concat(a, c, g), concat_ws(',', a, c), format('%s', a), md5(c), md5(m), chr(65), ascii(c), initcap(c),
      strpos(c, 'a'), split_part(c, 'a', 1) FROM t
    SELECT now(), clock_timestamp(), age(h), age(i, h), date_trunc('day', h), date_trunc('day', i),
      date_trunc('day', g), to_char(h, 'YYYY'), to_char(1, '9') FROM t
    SELECT to_char(e, '9.9'), to_char(f, '9'), to_date('x', 'y'), to_timestamp(0), to_timestamp('a', 'b'),
      to_number('1', '9'), make_date(2024, 1, 1), date(h) FROM t
    SELECT make_interval(days => 1), make_interval(1, 2), make_timestamp(2024, 1, 1, 0, 0, 0), justify_days(k),
      isfinite(h), isfinite(g) FROM t
    SELECT nextval('sq'), currval('sq'), setval('sq', 1), lastval(), pg_typeof(1), version(), pg_backend_pid(),
      txid_current(), gen_random_uuid()
    SELECT pg_relation_size('t'), pg_size_pretty(1::bigint), pg_table_size('t'::regclass), current_setting('x'),
      current_setting('x', true), pg_sleep(1)
    SELECT generate_series(1, 3)
    SELECT generate_series(1, 3, 2), a FROM t
    SELECT generate_series(1, 3.5)
    SELECT generate_series(now(), now(), '1 day')
    SELECT array_length(ARRAY[1], 1), array_append(ARRAY[1], 2), array_to_string(ARRAY['a'], ','), unnest(ARRAY[1,
      2]), cardinality('{1}'::int[])
    SELECT array_append(ARRAY[1], 2.5)
    SELECT array_append('{1}', 2)
    SELECT array_cat(ARRAY[1], ARRAY[2])
    SELECT array_position(ARRAY['a'], 'a')
    SELECT array_position(current_schemas(true), 'public')
    SELECT array_append(ARRAY[1], 'x'::text)
    SELECT array_fill(0, ARRAY[2])
    SELECT array_dims(1)
    SELECT text(1), int4(2.5), float8(1), int8('5'), varchar('x'), numeric('1'), date('2024-01-01'), bool('t'),
      name('x'), text(a) FROM t
    SELECT pg_catalog.lower('X'), pg_catalog.int4(1.5), pg_catalog.now()
    SELECT quote_literal(1), quote_literal('x'), quote_ident('x'), to_hex(255), encode(m, 'hex') FROM t
    SELECT regexp_replace(c, 'a', 'b'), regexp_match(c, 'a'), regexp_matches(c, 'a', 'g'), regexp_split_to_array(c,
      ','), translate(c, 'a', 'b') FROM t
    SELECT num_nulls(1, NULL), num_nonnulls(VARIADIC ARRAY[1]), concat(VARIADIC ARRAY['a']), format('%s', VARIADIC
      ARRAY['x'])
    SELECT count(*), count(a), sum(a), sum(b), sum(e), sum(f), sum(p), sum(q), avg(a), avg(e), avg(f), min(a),
      max(c), min(g), max(n) FROM t
    SELECT sum(k), avg(k), bool_and(j), every(j), bool_or(j), bit_and(a), bit_or(b), string_agg(c, ','),
      array_agg(a), array_agg(c), stddev(a), variance(e) FROM t
    SELECT string_agg(c, ',' ORDER BY a DESC), array_agg(DISTINCT a ORDER BY a), count(DISTINCT c), sum(DISTINCT a),
      count(*) FILTER (WHERE j) FROM t
    SELECT max('x'), min(1.5), sum(1), avg('1'::numeric), corr(f, q), regr_slope(f, a), stddev_pop(f), var_samp(b),
      bool_and(NULL) FROM t
    SELECT foo(1)
    SELECT lower(1)
    SELECT lower()
    SELECT lower('a', 'b')
    SELECT abs('x')
    SELECT abs('1')
    SELECT round('1.5')
    SELECT nowhere.lower('x')
    SELECT s2.lower('x')
    SELECT substr(1, 2)
    SELECT length(1)
    SELECT sqrt('x')
    SELECT date_trunc('day', 'x')
    SELECT mod(1.5, 2::float8)
    SELECT to_char('x', 'y')
    SELECT nextval('nowhere')
    SELECT nextval(1)
    SELECT pg_relation_size('nope')
    SELECT make_interval(foo => 1)
    SELECT make_interval(days => 1, days => 2)
    SELECT make_interval(days => 1, 2)
    SELECT lower(VARIADIC 'x')
    SELECT concat(VARIADIC 'x')
    SELECT lower(*) FROM t
    SELECT count() FROM t
    SELECT sum(*) FROM t
    SELECT sum(c) FROM t
    SELECT avg('x') FROM t
    SELECT sum(j) FROM t
    SELECT max(j) FROM t
    SELECT lower(DISTINCT c) FROM t
    SELECT lower(c ORDER BY c) FROM t
    SELECT lower(c) FILTER (WHERE j) FROM t
    SELECT sum(sum(a)) FROM t
    SELECT sum(a + count(*)) FROM t
    SELECT a FROM t WHERE sum(a) > 1
    SELECT count(*) FILTER (WHERE a) FROM t
    SELECT count(*) FILTER (WHERE count(*) > 1) FROM t
    SELECT string_agg(DISTINCT c, ',' ORDER BY a) FROM t
    SELECT string_agg(c) FROM t
    SELECT string_agg(a, ',') FROM t
    SELECT a FROM t WHERE generate_series(1, 2) > 1
    SELECT a FROM t LIMIT generate_series(1, 2)
    SELECT sum(generate_series(1, 2))
    SELECT row_number() FROM t
    SELECT rank() FROM t
    SELECT pg_sleep('x')
    SELECT int4('x')
    SELECT nothere.t.a FROM t
    SELECT percentile_cont(0.5) FROM t
    SELECT mode() FROM t
    SELECT xmlfoo(1)
    """#)

  static let casts = statements(
    #"""
    SELECT 1::text, '1'::int, 1.5::int, a::text, a::bigint, b::int, e::int, f::numeric, c::varchar(3), c::char(2),
      d::text, n::text FROM t
    SELECT g::timestamp, h::date, h::timestamptz, i::timestamp, i::date, g::text, '1 day'::interval, k::time,
      o::interval, h::time FROM t
    SELECT j::int, a::bool, j::text, 't'::bool, 1::bool, c::int, c::numeric, d::date, r::text, c::name, m::text,
      l::text, c::bytea FROM t
    SELECT 1.25::numeric(3,1), e::numeric, e::numeric(5), e::numeric(10,2), 5::numeric(4), '1.239'::numeric(5,2),
      'NaN'::numeric FROM t
    SELECT 'abc'::varchar(2), 'abc'::char(5), 'a'::"char", 'abc'::bpchar, 'abc'::char, d::varchar(5),
      d::varchar(10), d::varchar FROM t
    SELECT '2024-01-01'::timestamp(0), h::timestamp(3), '1 year'::interval year to month, '1 2:03'::interval day to
      minute, k::interval second(2) FROM t
    SELECT CAST(1 AS text), CAST(a AS float8), int '5', date '2024-01-01', timestamp '2024-01-01 00:00', interval
      '1' day, numeric '1.5', float8 '1e5'
    SELECT '{1,2}'::int[], '{a,b}'::text[], ARRAY[1, 2]::bigint[], ARRAY['1', '2']::int[], ARRAY[1.5]::int[],
      '{1,2}'::int[]::text[], ARRAY[]::text[]
    SELECT 't'::regclass, 'int4'::regtype, 'public'::regnamespace, 'postgres'::regrole, 1259::regclass,
      't'::regclass::oid, 16::regtype, 'lower'::text
    SELECT NULL::int, NULL::text, NULL::varchar(3), NULL::interval(2), 1::oid, '5'::oid, 's'::name, a::oid,
      s::bigint FROM t
    SELECT 1::foo
    SELECT 1::s2.foo
    SELECT 1::nowhere.foo
    SELECT 'x'::int
    SELECT '1.5'::int
    SELECT 'x'::bool
    SELECT 'x'::date
    SELECT '2024-13-01'::date
    SELECT 'x'::numeric
    SELECT '99999999999'::int
    SELECT 'x'::uuid
    SELECT 'x'::interval
    SELECT '\xzz'::bytea
    SELECT a::date FROM t
    SELECT g::int FROM t
    SELECT j::date FROM t
    SELECT k::int FROM t
    SELECT f::bool FROM t
    SELECT e::bool FROM t
    SELECT l::int FROM t
    SELECT a::uuid FROM t
    SELECT m::int FROM t
    SELECT 1::numeric(0)
    SELECT 1::numeric(5,2,1)
    SELECT 1::varchar(0)
    SELECT 1::int(5)
    SELECT 'a'::text(5)
    SELECT 1::numeric(2000)
    SELECT 'a'::char(99999999)
    SELECT 'nope'::regclass
    SELECT 'nope'::regtype
    SELECT 'nope'::regnamespace
    SELECT 'nope'::regrole
    SELECT 'lower'::regproc
    SELECT 'now'::regproc
    SELECT ARRAY[1]::int
    SELECT ARRAY['x']::int[]
    SELECT 1::int[]
    SELECT '{1'::int[]
    SELECT ARRAY[g]::int[] FROM t
    SELECT date 'x'
    SELECT interval 'x' day
    SELECT int 'x'
    SELECT CAST(a AS nothing) FROM t
    SELECT 'x'::public.foo[]
    """#)

  static let names = statements(
    #"""
    SELECT * FROM t
    SELECT t.* FROM t
    SELECT x.* FROM t x
    SELECT t.*, a, t.a AS b FROM t
    SELECT "Mixed", a "A" FROM t
    SELECT public.t.a FROM t
    SELECT public.t.* FROM t
    SELECT postgres.public.t.a FROM t
    SELECT ctid, tableoid, xmin, cmin, xmax, cmax FROM t
    SELECT t.ctid FROM t
    SELECT * FROM dr
    SELECT a FROM s2.t2
    SELECT t2.a, s2.t2.zz FROM s2.t2
    SELECT x.p, x.q, c FROM t x(p, q)
    SELECT * FROM u AS x(one, two)
    SELECT * FROM (SELECT 1) s
    SELECT * FROM (SELECT 1, 'x' AS y, NULL) s(a)
    SELECT s.y FROM (SELECT 1 AS y) s
    SELECT a AS x, c AS "two words", a + 1, lower(c), a::text, CASE WHEN j THEN c END, CASE WHEN j THEN 1 ELSE a
      END, (SELECT 1), EXISTS (SELECT 1) FROM t
    SELECT (SELECT a FROM u LIMIT 1), (SELECT max(id) FROM u), ARRAY(SELECT id FROM u), (SELECT 1 AS one)
    SELECT count(*) AS n FROM t
    SELECT a::float8, -a, NOT j, a IS NULL FROM t
    SELECT * FROM generate_series(1, 3)
    SELECT * FROM generate_series(1, 3) AS g
    SELECT g, g.g FROM generate_series(1, 3) AS g
    SELECT * FROM generate_series(1, 3) AS g(i)
    SELECT * FROM generate_series(1, 3) WITH ORDINALITY
    SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS x(i, n)
    SELECT * FROM unnest(ARRAY['a', 'b']) u
    SELECT * FROM lower('X')
    SELECT * FROM current_date
    SELECT n FROM now() n
    SELECT pg_class.oid, relname FROM pg_class
    SELECT * FROM pg_namespace
    SELECT oid FROM pg_catalog.pg_type WHERE typname = 'int4'
    SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v
    SELECT v.x FROM (VALUES (1), (2.5)) v(x)
    VALUES (1, 'x'), (2, NULL)
    VALUES (NULL), ('a')
    VALUES (1), (2) ORDER BY column1 DESC LIMIT 1
    TABLE t
    SELECT 1 AS a, 2 AS a
    SELECT nope FROM t
    SELECT t.nope FROM t
    SELECT x.a FROM t
    SELECT t.a FROM t x
    SELECT nope.* FROM t
    SELECT * FROM nope
    SELECT * FROM s2.nope
    SELECT * FROM nowhere.t
    SELECT * FROM other.public.t
    SELECT other.public.t.a FROM t
    SELECT a.b.c.d.e FROM t
    SELECT *
    SELECT t FROM nope
    SELECT aa FROM t
    SELECT bb, cc FROM u
    SELECT iid FROM u
    SELECT t.bb FROM t
    SELECT a, zz FROM s2.t2, t
    SELECT zz FROM t
    SELECT gone FROM dr
    SELECT dr.gone FROM dr
    SELECT a FROM t, u
    SELECT * FROM t, t
    SELECT * FROM t x, u x
    SELECT * FROM t JOIN t ON true
    SELECT * FROM t x(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u)
    SELECT x.a FROM t x(b)
    SELECT y FROM (SELECT 1 AS x) s
    SELECT foo.x FROM (SELECT 1 AS x) s
    SELECT count FROM t
    SELECT oid FROM t
    SELECT s.ctid FROM (SELECT a FROM t) s
    SELECT ctid FROM vw
    SELECT s2.u.only2, public.u.c FROM s2.u, public.u
    SELECT u.id FROM s2.u, public.u
    SELECT * FROM t_pkey
    SELECT * FROM sq
    SELECT a FROM t, LATERAL (SELECT t.b) s
    SELECT s.x FROM t, LATERAL (SELECT a AS x) s
    SELECT * FROM t, (SELECT t.b) s
    SELECT * FROM t, (SELECT b FROM u) s
    SELECT * FROM u, generate_series(1, u.id) g
    SELECT * FROM u, LATERAL generate_series(1, id) g
    SELECT * FROM generate_series(1, u.id) g, u
    SELECT * FROM generate_series(1, nope)
    SELECT * FROM nofunc(1)
    SELECT * FROM (SELECT sum(t.a) FROM u) s, t
    SELECT * FROM u RIGHT JOIN LATERAL (SELECT u.id) s ON true
    SELECT * FROM u LEFT JOIN LATERAL (SELECT u.id) s ON true
    VALUES (1), (2, 3)
    VALUES (1), ('x')
    VALUES (DEFAULT)
    SELECT (t).a FROM t
    SELECT (t).nope FROM t
    SELECT * FROM pg_settings_nope
    SELECT current_date.x FROM t
    SELECT t.a.b FROM t
    """#)
}
