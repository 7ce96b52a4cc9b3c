/// Statements that are run one after the other, on the tables of ``schema`` with all of their rows.
enum StatementCorpus {
  static var all: [String] {
    scalars + texts + times + aggregates + joins + queries + modifications + transactions + definitions
  }

  static let schema = [
    """
    CREATE TABLE v (
      id int PRIMARY KEY, b bool, i2 smallint, i4 int, i8 bigint, f4 real, f8 float8, n numeric, n2 numeric(12,3),
      t text, vc varchar(12), ch char(6), d date, tm time, ts timestamp, tz timestamptz, iv interval, u uuid, by bytea)
    """,
    """
    INSERT INTO v VALUES
      (1, true, 1, 1, 1, 1, 1, 1, 1, 'one', 'one', 'one', '2024-01-01', '00:00', '2024-01-01 00:00',
        '2024-01-01 00:00+00',
        '1 day', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x01'),
      (2, false, -1, -1, -1, -1.5, -1.5, -1.5, -1.5, '', '', '', '1999-12-31', '23:59:59.999999',
        '1999-12-31 23:59:59.5',
        '1999-12-31 23:59:59.5+02', '-1 month -2 days', '00000000-0000-0000-0000-000000000000', ''),
      (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      (4, true, 32767, 2147483647, 9223372036854775807, 3.4e38, 1.7e308, 99999999999999999999.999, 999999999.999,
        'Ünïcode ß', 'äöü', 'zz', '9999-12-31', '12:34:56', '9999-12-31 12:00', '9999-12-31 12:00+00', '100 years',
        'ffffffff-ffff-ffff-ffff-ffffffffffff', '\\xdeadbeef00'),
      (5, false, -32768, -2147483648, -9223372036854775808, 1e-37, 1e-300, 0.000000000000000001, 0.001,
        'a''b"c\\d', '%_\\', 'a b',
        '0001-01-01', '01:02:03.4', '0001-01-01 00:00', '0001-01-01 00:00+00', '1.5 seconds', NULL, '\\x00ff'),
      (6, true, 0, 0, 0, 0, 0, 0, 0, 'one two  three', ' x ', 'ABCDEF', '2000-02-29', '24:00',
        '2000-02-29 12:30:15.123456',
        '2000-07-01 12:30-05', '0', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x6162'),
      (7, NULL, 7, 42, 4242424242, 'NaN', 'Infinity', 'NaN', 12.345, 'ONE', 'One', 'abc', 'infinity',
        '06:00', 'infinity',
        '-infinity', '1 year 2 mons 3 days 04:05:06.789', '12345678-1234-5678-1234-567812345678', '\\x0a0b0c'),
      (8, true, 100, 1000, 1000000, '-Infinity', 0.1, 123456.789, -0.005, 'zebra', 'zebra', 'zebra',
        '2024-02-29', '12:00',
        '2024-03-10 02:30', '2024-03-10 07:30+00', '-04:30', NULL, '\\x'),
      (9, false, 12, 365, 86400, 2.5, 2.5, 2.50, 2.5, '12', '-7', '3.5', '2024-12-30', '12:00:00.5', '2024-12-30 23:59',
        '2024-11-03 06:30+00', '36:00', NULL, NULL),
      (10, false, 3, 10, 100, 0.33333334, 0.3333333333333333, 1e10, 5, 'true', '2024-01-01', '1',
        '1970-01-01', '00:00:01',
        '1970-01-01 00:00:01', '1970-01-01 00:00+00', '1 mon', NULL, '\\x61')
    """,
    "CREATE TABLE ja (id int PRIMARY KEY, k int, x text)",
    """
    INSERT INTO ja VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c'), (4, NULL, 'd'), (5, 5, NULL), (6,
      2, 'a'), (7, 9, 'e')
    """,
    "CREATE TABLE jb (id int PRIMARY KEY, k int, y text, a_id int)",
    """
    INSERT INTO jb VALUES (1, 1, 'a', 1), (2, 2, 'x', 3), (3, 2, 'y', 3), (4, 7, 'z', NULL), (5,
      NULL, NULL, 7), (6, 5, 'c', 2)
    """,
    "CREATE TABLE jc (k bigint, z numeric)",
    "INSERT INTO jc VALUES (1, 1.5), (2, 2.5), (2, NULL), (5, 5), (NULL, 0)",
    "CREATE INDEX jb_k ON jb (k)",
    "CREATE TABLE empty (a int, b text)",
    """
    CREATE TABLE m (id int PRIMARY KEY, v int DEFAULT 7, t text NOT NULL DEFAULT 'x',
      c int CHECK (c > 0), UNIQUE (v, t))
    """,
    "CREATE TABLE ser (id serial, v text, g int GENERATED ALWAYS AS (length(v) * 2) STORED)",
    "CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY, v text)",
    "CREATE VIEW vj AS SELECT ja.id, ja.x, jb.y FROM ja LEFT JOIN jb ON ja.k = jb.k",
    "CREATE SEQUENCE seq1 START 5 INCREMENT 3",
  ]

  /// For the tables of ``AnalyzerRig/schema``.
  static let analysisRows = [
    """
    INSERT INTO t (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, "Mixed", r, s) VALUES
      (1, 2, 'abc', 'x', 1.25, 2.5, '2024-01-02', '2024-01-02 03:04:05', '2024-01-02 03:04:05+00', true,
        '1 day 2 hours',
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x6162', 'abc', '01:02:03', 3, 4.5, 9, 'nm', 16),
      (2, -3, 'xyz', 'abc', -7.5, 0.5, '1999-12-31', '2000-01-01', '2000-01-01 00:00+00', false, '-3 mons',
        NULL, '', 'q', '23:00',
        -5, 1.5, NULL, 'r', 17)
    """,
    "INSERT INTO u VALUES (1, 2, 'abc', 3.5), (2, NULL, NULL, NULL), (3, 1, 'zz', 0)",
    "INSERT INTO w VALUES (1, 2, 'one'), (3, 4, 'two')", "INSERT INTO dr VALUES (1, 2), (3, NULL)",
    "INSERT INTO s2.t2 VALUES (1, 'zz')", "INSERT INTO s2.u VALUES (1, 10), (3, 30)",
  ]

  /// What is answered otherwise, and why.
  static let departures: [String: String] = [
    "SELECT pg_typeof(1), pg_typeof('x'), pg_typeof(1.5), pg_typeof(NULL), pg_typeof(now())":
      "the type's own output gives an object's number, not its name",
    "SELECT 't'::regclass, 'int4'::regtype, 'public'::regnamespace, 'postgres'::regrole, 1259::regclass, "
      + "'t'::regclass::oid, 16::regtype, 'lower'::text":
      "the type's own output gives an object's number, not its name",
    "SELECT 'now'::regproc": "the type's own output gives an object's number, not its name",
    "CREATE TABLE nowhere.x (a int)": "has no position",
    "SELECT to_char(e, '9.9'), to_char(f, '9'), to_date('x', 'y'), to_timestamp(0), to_timestamp('a', 'b'), "
      + "to_number('1', '9'), make_date(2024, 1, 1), date(h) FROM t": "names the field of a template in capitals",
    "SELECT array_fill(0, ARRAY[2])": "not supported",
  ]

  /// Whether a statement gives the same each time, on any server.
  static func isRepeatable(_ sql: String) -> Bool {
    let passing = [
      "now()", "current_", "localtime", "clock_timestamp", "random", "txid", "pid()", "gen_random", "version()",
      "pg_class", "pg_type",
      "pg_namespace", "_size", "ctid", "xmin", "tableoid", "age(", "pg_sleep", "current_setting", "session_user",
      "n FROM now",
      // Rows, whose text this engine does not make, and what needs one.
      "ROW(", "RECURSIVE", "(a, b), ", "SELECT t FROM",
    ]
    return !passing.contains { sql.contains($0) }
  }

  static let scalars = statements(
    #"""
    SELECT 1 / 0
    SELECT 1 % 0
    SELECT 1.0 / 0
    SELECT 1::float8 / 0
    SELECT 2147483647 + 1
    SELECT -2147483648 - 1
    SELECT 32767::smallint + 1::smallint
    SELECT 9223372036854775807 + 1
    SELECT -(-9223372036854775808)
    SELECT abs(-2147483648)
    SELECT (-2147483648) / -1
    SELECT (-9223372036854775808) % -1
    SELECT 1e308::float8 * 10
    SELECT 1e-308::float8 / 1e100
    SELECT 5 / 2, -5 / 2, 5 % -3, -5 % 3, 5.0 / 2, 7 / 3.0, 1.0 / 3, 2 ^ 10, 2.0 ^ 0.5, 10 ^ -2
    SELECT round(2.5), round(-2.5), round(0.5::float8), round(1.5::float8), round(2.567, 2), round(1234.5, -2),
      trunc(-1.9), ceil(-1.1), floor(-1.1)
    SELECT 7.5::int, 8.5::int, -7.5::int, 7.5::float8::int, 8.5::float8::int, 1e10::int
    SELECT 99999::smallint
    SELECT 'NaN'::float8 = 'NaN'::float8, 'NaN'::numeric > 1e100, 'Infinity'::float8 > 1e308
    SELECT 1.10 + 2.205, 1.10 * 2.20, 10.00 / 4, 1e3, 1.5e-3, 123.4500::numeric(10,3)
    SELECT sqrt(2), sqrt(2.0), sqrt(-1)
    SELECT ln(0)
    SELECT log(-1.0)
    SELECT power(0, -1)
    SELECT power(-8, 1.0 / 3)
    SELECT exp(1.0), ln(10.0), log(1000.0), log(2.0, 8.0)
    SELECT sign(-3.5), mod(-7, 3), mod(7.5, 2), gcd(12, 18), lcm(4, 6), div(7.5, 2), width_bucket(5.5, 0, 10, 4)
    SELECT 1 & 3, 1 | 2, 5 # 1, ~5, 1 << 4, -16 >> 2, 1::bigint << 40
    SELECT true AND NULL, false AND NULL, true OR NULL, false OR NULL, NOT NULL::bool
    SELECT NULL = NULL, NULL IS NULL, 1 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL
    SELECT CASE WHEN 1 = 1 THEN 'a' ELSE (1 / 0)::text END
    SELECT COALESCE(NULL, 2, 1 / 0)
    SELECT CASE id WHEN 1 THEN 1 WHEN 2 THEN 1 / (id - 2) END FROM v WHERE id < 3
    SELECT id, CASE WHEN i4 <> 0 THEN 100 / i4 END FROM v ORDER BY id
    SELECT id FROM v WHERE i4 <> 0 AND 100 / i4 > 1 ORDER BY id
    SELECT GREATEST(1, NULL, 3), LEAST(NULL, NULL), GREATEST('a', 'B'), NULLIF(1, 1), NULLIF(1, 2)
    SELECT 1 IN (1, NULL), 2 IN (1, NULL), 2 NOT IN (1, NULL), 2 NOT IN (1, 3), NULL IN (1)
    SELECT 5 BETWEEN 1 AND 10, 5 BETWEEN SYMMETRIC 10 AND 1, NULL BETWEEN 1 AND 2
    SELECT (1, 2) < (1, 3), (1, NULL) = (1, 2), (1, 2) = (2, NULL), (NULL, 1) < (1, 2)
    SELECT 2 = ANY (ARRAY[1, 2]), 3 = ANY (ARRAY[1, NULL]), 1 <> ALL (ARRAY[2, 3]), 1 < ALL ('{2,3}'), NULL = ANY
      (ARRAY[1])
    SELECT id, i2, i4, i8 FROM v ORDER BY i8 DESC NULLS LAST, id
    SELECT id, f4, f8 FROM v ORDER BY f8, id
    SELECT id, n, n2 FROM v ORDER BY n DESC, id
    SELECT id, b FROM v ORDER BY b, id
    SELECT id, -i4 FROM v WHERE i4 > -2147483648 ORDER BY 1
    SELECT id, i4 + i2, i4 * 2::bigint, i8 / 7, i2 % 5 FROM v WHERE id NOT IN (4, 5) ORDER BY id
    SELECT i4 + 1 FROM v
    SELECT id, n / 3, n2 * 1.5, n2 - 0.001, n + i4 FROM v ORDER BY id
    SELECT id, i4::text, f4::text, f8::text, n::text, b::text FROM v ORDER BY id
    SELECT id, f4 + f8, f4 * 2, f8 - 1, f8 / 4 FROM v WHERE id <> 4 ORDER BY id
    SELECT id, f8::numeric FROM v WHERE id IN (1, 2, 8, 9, 10) ORDER BY id
    SELECT f8::numeric FROM v WHERE id = 7
    SELECT n::int FROM v WHERE id = 4
    SELECT n::float8, n::real FROM v WHERE id IN (1, 5, 8)
    SELECT '  12 '::int, ' 1e3'::float8, '0x1F'::int, '1_000'::int, ' t '::bool, 'off'::bool
    SELECT 'abc'::int
    SELECT ''::int
    SELECT '1 2'::int
    SELECT 'maybe'::bool
    SELECT '1e400'::float8
    SELECT '12345678901'::int
    SELECT 'x'::numeric
    SELECT 12345.678::numeric(5,2)
    SELECT 'Infinity'::numeric(5,2)
    SELECT t::int FROM v WHERE id = 9
    SELECT t::int FROM v WHERE id = 1
    SELECT t::bool FROM v WHERE id = 10
    SELECT 5::bool, 0::bool, true::int, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid,
      'A0EEBC999C0B4EF8BB6D6BB9BD380A11'::uuid
    SELECT 'x'::uuid
    SELECT '\x6A'::bytea, 'a\000b'::bytea, '\xg'::bytea
    SELECT id, u FROM v WHERE u > '12345678-0000-0000-0000-000000000000' ORDER BY u, id
    SELECT id, by, length(by), encode(by, 'hex'), by || '\x01' FROM v ORDER BY by, id
    SELECT to_char(1234.5, '9,999.99'), to_char(-7, 'S009'), to_char(0.1, '0.99'), to_char(12, 'RN'),
      to_number('1,234.5', '9,999.9')
    SELECT 1::oid, '4294967295'::oid, 'a'::"char", 'name'::name
    SELECT random() IS NOT NULL, pi()
    """#)

  static let texts = statements(
    #"""
    SELECT id, t || 'x', upper(t), lower(t), length(t), reverse(t), initcap(t) FROM v ORDER BY id
    SELECT id, vc, ch, ch || '|', length(ch), vc || '|', ch::text || '|' FROM v ORDER BY id
    SELECT id FROM v ORDER BY t, id
    SELECT id FROM v ORDER BY vc DESC NULLS FIRST, id
    SELECT id, t FROM v WHERE t < 'one' ORDER BY id
    SELECT id FROM v WHERE ch = 'zz' OR ch = 'ABCDEF'
    SELECT id FROM v WHERE t LIKE '%e%' ORDER BY id
    SELECT id FROM v WHERE t ILIKE 'ONE%' ORDER BY id
    SELECT id FROM v WHERE t LIKE 'o_e'
    SELECT 'a%b' LIKE 'a!%b' ESCAPE '!', 'ab' LIKE 'a\b', 'x' LIKE '', '' LIKE '%', 'äb' LIKE '_b'
    SELECT 'a' LIKE 'a\'
    SELECT 'abc' SIMILAR TO '(a|b)%', 'abc' SIMILAR TO 'ab', 'abc' SIMILAR TO '_{3}'
    SELECT 'abc' ~ 'b', 'abc' ~* 'B', 'abc' !~ '^b', E'a\nb' ~ 'a.b', 'foo123' ~ '\d+$', 'x' ~ '[[:alpha:]]'
    SELECT 'a' ~ '('
    SELECT regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'),
      regexp_replace('abc', 'B', 'x', 'i')
    SELECT substring('foobar' FROM 'o(.)b'), substring('foobar' FROM 2 FOR 3), substring('foobar', 0, 3),
      substring('foobar', -1), substr('foobar', 2)
    SELECT substring('abc', 1, -1)
    SELECT left('abcdef', 2), left('abcdef', -2), right('abcdef', 2), right('abcdef', -2), left('ü', 1)
    SELECT lpad('x', 5, 'ab'), rpad('x', 5, 'ab'), lpad('abcdef', 3), rpad('', 3, '.')
    SELECT trim('  a '), ltrim('xxa', 'x'), rtrim('axx', 'x'), btrim('xyaxy', 'xy'), trim(leading 'a' from 'aab')
    SELECT replace('abcabc', 'b', 'XX'), translate('abc', 'ab', 'x'), repeat('ab', 3), repeat('x', -1),
      strpos('abc', 'c'), position('b' in 'abc')
    SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('a', ',', 3), concat('a', NULL, 1,
      true), concat_ws(',', 'a', NULL, 'b')
    SELECT split_part('a', ',', 0)
    SELECT ascii('a'), ascii('ü'), chr(65), chr(252), md5('abc'), md5('')
    SELECT chr(0)
    SELECT format('%s-%I-%L', 'a', 'b c', 'd''e'), format('%2$s %1$s', 'x', 'y'), format('%5s|%-5s|', 'a', 'b'),
      format('%%')
    SELECT format('%q', 1)
    SELECT quote_literal('a''b'), quote_ident('A b'), quote_ident('abc'), quote_nullable(NULL),
      quote_literal(E'a\\b')
    SELECT overlay('abcdef' placing 'XX' from 2 for 3), to_hex(255), to_hex(-1), starts_with('abc', 'ab'),
      octet_length('ü'), bit_length('a'), char_length('ü')
    SELECT 'abc'::varchar(2), 'abc'::char(5) || '|', 'abc  '::char(3) = 'abc', 'a'::char(3) = 'a  '::char(5),
      'a '::text = 'a'
    INSERT INTO v (id, vc) VALUES (100, 'much too long text')
    INSERT INTO v (id, ch) VALUES (100, '1234567')
    SELECT 'a' < 'B', 'a' < 'b', 'Z' < 'a', 'ä' > 'z', '' < 'a'
    SELECT encode('abc', 'base64'), decode('YWJj', 'base64'), encode('\x0102', 'escape'), decode('0g', 'hex')
    SELECT E'tab\tnew\nline', U&'\0061', $$dollar's$$, 'it''s'
    SELECT regexp_match('foobarbeque', '(bar)(beque)'), regexp_split_to_array('a, b,c', ',\s*'),
      string_to_array('a,b,,c', ','), array_to_string(ARRAY['a', NULL, 'c'], ',', '*')
    SELECT * FROM regexp_matches('foobar', '.', 'g')
    SELECT * FROM regexp_split_to_table('a b c', ' ') WITH ORDINALITY
    """#)

  static let times = statements(
    #"""
    SELECT id, d, tm, ts, tz, iv FROM v ORDER BY id
    SELECT id, d + 1, d - 1, d - '2024-01-01'::date, ts - '2024-01-01', ts + '1 month', tz + '1 day' FROM v WHERE id
      NOT IN (4, 7, 3) ORDER BY id
    SELECT d + 1000000000 FROM v WHERE id = 1
    SELECT ts + '300000 years' FROM v WHERE id = 1
    SELECT id, extract(year FROM ts), extract(month FROM ts), extract(epoch FROM tz), extract(dow FROM d),
      extract(week FROM d) FROM v WHERE id <> 7 ORDER BY id
    SELECT extract(quarter FROM date '2024-05-01'), extract(isoyear FROM date '2024-12-30'), extract(doy FROM date
      '2024-12-31'), extract(microseconds FROM time '01:02:03.5'), extract(epoch FROM interval '1 year 2 days'),
      extract(century FROM date '2001-01-01')
    SELECT extract(nope FROM date '2024-01-01')
    SELECT extract(hour FROM date '2024-01-01')
    SELECT id, date_trunc('month', ts), date_trunc('hour', tz), date_trunc('week', ts), date_trunc('quarter', iv)
      FROM v WHERE id <> 7 ORDER BY id
    SELECT date_trunc('nope', now())
    SELECT age(timestamp '2024-03-01', timestamp '2024-01-31'), age(timestamp '2000-01-01', timestamp
      '2024-02-29 12:00'), justify_days('40 days'), justify_hours('50 hours'), justify_interval('1 mon -1 hour')
    SELECT date '2024-01-31' + interval '1 month', timestamp '2024-03-31' - interval '1 month', interval '1 day' *
      2.5, interval '1 month' / 2, -interval '1 day 2 hours'
    SELECT interval '1 day' = interval '24 hours', interval '1 month' > interval '29 days', interval '1 mon' =
      interval '30 days'
    SELECT '2024-02-30'::date
    SELECT '25:00'::time
    SELECT '2024-01-01 10:00 Nowhere/City'::timestamptz
    SELECT 'yesterday'::date IS NOT NULL, 'epoch'::timestamp, 'infinity'::date, '-infinity'::timestamptz
    SELECT '2024-01-01 12:00'::timestamptz, '2024-07-01 12:00'::timestamptz, '2024-07-01 12:00 UTC'::timestamptz,
      '2024-01-01 12:00+05:30'::timestamptz
    SELECT ts::timestamptz, tz::timestamp, tz::date, ts::time, tz::time FROM v WHERE id IN (1, 6, 8) ORDER BY id
    SELECT tz AT TIME ZONE 'UTC', ts AT TIME ZONE 'Asia/Tokyo', tz AT TIME ZONE interval '3 hours' FROM v WHERE id
      IN (1, 6, 9) ORDER BY id
    SELECT now() AT TIME ZONE 'Nowhere'
    SELECT to_char(timestamp '2024-03-05 14:07:09.123', 'YYYY-MM-DD HH24:MI:SS.MS AM Day DDD Q WW'),
      to_char(interval '1 day 2:03', 'DD HH24:MI'), to_char(date '2024-01-05', 'FMMonth FMDD')
    SELECT to_date('05 Mar 2024', 'DD Mon YYYY'), to_timestamp('2024-01-02 03:04', 'YYYY-MM-DD HH24:MI'),
      to_timestamp(86400)
    SELECT to_date('x', 'YYYY')
    SELECT make_date(2024, 2, 29), make_time(1, 2, 3.5), make_timestamp(2024, 1, 1, 1, 1, 1), make_interval(1, 2, 0,
      3, 4, 5, 6.5)
    SELECT make_date(2023, 2, 29)
    SELECT isfinite(d), isfinite(ts), isfinite(iv) FROM v WHERE id IN (1, 7) ORDER BY id
    SELECT id, d FROM v WHERE d BETWEEN '2000-01-01' AND '2024-06-01' ORDER BY d, id
    SELECT id FROM v WHERE ts > tz ORDER BY id
    SELECT id FROM v WHERE d = ts ORDER BY id
    SELECT time '10:00' + interval '20 hours', time '10:00' - time '12:00', date '2024-01-01' + time '10:00'
    SELECT (date '2024-01-01', date '2024-01-10') OVERLAPS (date '2024-01-05', date '2024-02-01')
    SELECT * FROM generate_series(timestamp '2024-01-01', '2024-01-03', '12 hours')
    SELECT interval '1-2', interval '1 2:03:04', interval 'P1Y2M3DT4H5M6S', interval '1.5 weeks', interval
      '-1 day ago', interval '1' year, interval '1:30' minute to second
    SELECT interval '1 foo'
    SELECT '2024-01-01'::timestamp(0), '2024-01-01 12:00:00.987654'::timestamp(2), '1.23456 s'::interval(1),
      '10:00:00.99'::time(0)
    """#)

  static let aggregates = statements(
    #"""
    SELECT count(*), count(i4), count(DISTINCT b), sum(i2), sum(i4), sum(i8 / 10), min(i4), max(i8) FROM v
    SELECT sum(i8) FROM v WHERE id IN (1, 4)
    SELECT avg(i2), avg(i4), avg(n2), avg(f8) FROM v WHERE id NOT IN (4, 5, 7)
    SELECT sum(n), avg(n), min(n), max(n) FROM v WHERE id <> 7
    SELECT sum(n), max(f8), min(f4) FROM v
    SELECT sum(f4), sum(f8) FROM v WHERE id IN (1, 2, 9, 10)
    SELECT min(t), max(t), min(ch), max(vc), min(d), max(ts), min(tm), max(iv), min(tz) FROM v
    SELECT sum(iv), avg(iv) FROM v WHERE id NOT IN (4)
    SELECT bool_and(b), bool_or(b), every(i4 IS NOT NULL), bit_and(i2), bit_or(i2), bit_xor(i4) FROM v
    SELECT count(*), sum(a), min(b), avg(a), bool_and(a > 1), string_agg(b, ',') FROM empty
    SELECT stddev(i2), stddev_pop(i2), variance(n2), var_pop(f8), stddev_samp(i4) FROM v WHERE id IN (1, 2, 6, 8, 9)
    SELECT string_agg(x, ',' ORDER BY id), string_agg(DISTINCT x, '-'), array_agg(k ORDER BY id), array_agg(DISTINCT
      k) FROM ja
    SELECT corr(i2, i4), regr_count(i2, i4), covar_pop(id, k) FROM (SELECT v.*, id * 2 AS k FROM v) s WHERE id IN
      (1, 2, 9, 10)
    SELECT b, count(*), sum(id) FROM v GROUP BY b ORDER BY b
    SELECT k, count(*), max(x) FROM ja GROUP BY k HAVING count(*) > 1 ORDER BY k
    SELECT k IS NULL, count(*) FROM ja GROUP BY 1 ORDER BY 1
    SELECT length(t) AS l, count(*) FROM v GROUP BY l ORDER BY l
    SELECT x, count(*) FILTER (WHERE k = 1), sum(k) FILTER (WHERE k > 100) FROM ja GROUP BY x ORDER BY x
    SELECT count(*) FROM empty GROUP BY a
    SELECT 1 FROM empty HAVING count(*) = 0
    SELECT DISTINCT k FROM ja ORDER BY k
    SELECT DISTINCT ON (k) k, id FROM ja ORDER BY k, id DESC
    SELECT count(DISTINCT k), count(DISTINCT x), sum(DISTINCT k) FROM ja
    SELECT sum(i4) FROM v
    SELECT sum(i4) + count(*) * 2 FROM v HAVING count(*) > 100
    SELECT max(id) - min(id) FROM v GROUP BY b = true ORDER BY 1
    SELECT date_trunc('year', ts), count(*) FROM v WHERE id <> 7 GROUP BY 1 ORDER BY 1
    SELECT f8, count(*) FROM v GROUP BY f8 ORDER BY f8
    SELECT n2, u, count(*) FROM v GROUP BY n2, u ORDER BY n2, u
    SELECT ja.id, x, count(jb.id) FROM ja LEFT JOIN jb USING (k) GROUP BY ja.id ORDER BY ja.id
    SELECT avg(id)::text, sum(id)::text FROM v
    SELECT array_agg(t ORDER BY id) FROM v WHERE id < 6
    """#)

  static let joins = statements(
    #"""
    SELECT * FROM ja JOIN jb ON ja.k = jb.k ORDER BY ja.id, jb.id
    SELECT ja.id, jb.id FROM ja LEFT JOIN jb ON ja.k = jb.k ORDER BY 1, 2
    SELECT ja.id, jb.id FROM ja RIGHT JOIN jb ON ja.k = jb.k ORDER BY 2, 1
    SELECT ja.id, jb.id FROM ja FULL JOIN jb ON ja.k = jb.k ORDER BY 1, 2
    SELECT k, x, y FROM ja JOIN jb USING (k) ORDER BY k, x, y
    SELECT k, x, y FROM ja FULL JOIN jb USING (k) ORDER BY k, x, y
    SELECT * FROM ja NATURAL JOIN jb ORDER BY 1
    SELECT count(*) FROM ja CROSS JOIN jb
    SELECT ja.id, jb.id FROM ja JOIN jb ON ja.k < jb.k ORDER BY 1, 2
    SELECT ja.id, jc.z FROM ja JOIN jc ON ja.k = jc.k ORDER BY 1, 2
    SELECT ja.id, jb.id, jc.z FROM ja JOIN jb ON ja.k = jb.k JOIN jc ON jc.k = ja.k ORDER BY 1, 2, 3
    SELECT ja.id, jb.id FROM ja LEFT JOIN jb ON ja.k = jb.k AND jb.y = 'x' ORDER BY 1, 2
    SELECT ja.id, jb.id FROM ja LEFT JOIN jb ON ja.k = jb.k WHERE jb.id IS NULL ORDER BY 1
    SELECT ja.id FROM ja LEFT JOIN jb ON ja.k = jb.k WHERE jb.y > 'a' ORDER BY 1
    SELECT x.id, y.id FROM ja x JOIN ja y ON x.k = y.k AND x.id < y.id ORDER BY 1, 2
    SELECT ja.id, s.n FROM ja, LATERAL (SELECT count(*) AS n FROM jb WHERE jb.k = ja.k) s ORDER BY 1
    SELECT ja.id, g FROM ja, generate_series(1, ja.k) g WHERE ja.id < 4 ORDER BY 1, 2
    SELECT ja.id, s.y FROM ja LEFT JOIN LATERAL (SELECT y FROM jb WHERE jb.k = ja.k ORDER BY jb.id LIMIT 1) s ON
      true ORDER BY 1
    SELECT * FROM vj ORDER BY id, y
    SELECT a.id, b.id, c.z FROM ja a LEFT JOIN (jb b JOIN jc c ON b.k = c.k) ON a.k = b.k ORDER BY 1, 2, 3
    SELECT a.id, b.id, c.z FROM ja a LEFT JOIN jb b ON a.k = b.k LEFT JOIN jc c ON c.k = b.k ORDER BY 1, 2, 3
    SELECT a.id, b.id FROM ja a JOIN jb b ON a.x = b.y ORDER BY 1, 2
    SELECT a.id, b.id FROM ja a FULL JOIN jb b ON a.id = b.a_id WHERE a.id IS NULL OR b.id IS NULL ORDER BY 1, 2
    SELECT count(*) FROM ja a, jb b, jc c WHERE a.k = b.k AND b.k = c.k
    SELECT a.id FROM ja a JOIN jb b ON false ORDER BY 1
    SELECT a.id, b.id FROM ja a LEFT JOIN jb b ON true AND b.id = 1 ORDER BY 1
    SELECT a.k, b.k FROM (SELECT DISTINCT k FROM ja) a FULL JOIN (SELECT DISTINCT k FROM jb) b USING (k) ORDER BY 1,
      2
    SELECT * FROM (VALUES (1, 'p'), (2, 'q')) v(a, b) JOIN ja ON v.a = ja.k ORDER BY ja.id
    SELECT e.a, ja.id FROM empty e RIGHT JOIN ja ON e.a = ja.id ORDER BY 2
    SELECT a.id, b.id FROM ja a JOIN jb b ON a.k = b.k OR a.x = b.y ORDER BY 1, 2
    """#)

  static let queries = statements(
    #"""
    SELECT id FROM ja WHERE k IN (SELECT k FROM jb) ORDER BY 1
    SELECT id FROM ja WHERE k NOT IN (SELECT k FROM jb) ORDER BY 1
    SELECT id FROM ja WHERE k NOT IN (SELECT k FROM jb WHERE k IS NOT NULL) ORDER BY 1
    SELECT id FROM ja WHERE EXISTS (SELECT 1 FROM jb WHERE jb.k = ja.k) ORDER BY 1
    SELECT id FROM ja WHERE NOT EXISTS (SELECT 1 FROM jb WHERE jb.k = ja.k) ORDER BY 1
    SELECT id, (SELECT max(y) FROM jb WHERE jb.k = ja.k) FROM ja ORDER BY 1
    SELECT (SELECT id FROM jb WHERE jb.k = ja.k) FROM ja
    SELECT id, k > ALL (SELECT k FROM jb WHERE k < 3), k = ANY (SELECT k FROM jb) FROM ja ORDER BY id
    SELECT id FROM ja WHERE (k, x) IN (SELECT k, y FROM jb)
    SELECT ARRAY(SELECT id FROM ja ORDER BY id DESC)
    SELECT * FROM (SELECT k, count(*) AS n FROM ja GROUP BY k) s WHERE n > 1 ORDER BY k
    SELECT k FROM ja UNION SELECT k FROM jb ORDER BY 1
    SELECT k FROM ja UNION ALL SELECT k FROM jb ORDER BY 1
    SELECT k FROM ja INTERSECT SELECT k FROM jb ORDER BY 1
    SELECT k FROM ja INTERSECT ALL SELECT k FROM jb ORDER BY 1
    SELECT k FROM ja EXCEPT SELECT k FROM jb ORDER BY 1
    SELECT k FROM ja EXCEPT ALL SELECT k FROM jb ORDER BY 1
    SELECT k::numeric FROM ja UNION SELECT z FROM jc ORDER BY 1
    (SELECT id FROM ja ORDER BY id DESC LIMIT 2) UNION ALL (SELECT id FROM jb ORDER BY id LIMIT 1) ORDER BY 1
    WITH a AS (SELECT k, count(*) AS n FROM ja GROUP BY k), b AS (SELECT * FROM a WHERE n > 1) SELECT a.k, b.n FROM
      a LEFT JOIN b USING (n) ORDER BY 1, 2
    WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT sum(n), count(*) FROM r
    WITH RECURSIVE r(id, depth) AS (SELECT id, 0 FROM ja WHERE id = 7 UNION ALL SELECT b.a_id, depth + 1 FROM r JOIN
      jb b ON b.id = r.id - 2 WHERE depth < 5) SELECT * FROM r ORDER BY depth
    WITH RECURSIVE r(n) AS (VALUES (1) UNION SELECT n % 3 + 1 FROM r) SELECT n FROM r ORDER BY n
    WITH x AS MATERIALIZED (SELECT 1 AS a) SELECT * FROM x, x y
    SELECT id FROM v ORDER BY id LIMIT 3 OFFSET 2
    SELECT id FROM v ORDER BY id OFFSET 8
    SELECT id FROM v LIMIT 0
    SELECT id FROM v LIMIT -1
    SELECT id FROM v ORDER BY id OFFSET -1
    SELECT b FROM v ORDER BY b FETCH FIRST 1 ROW WITH TIES
    SELECT generate_series(1, 3), generate_series(1, 2)
    SELECT id, generate_series(1, k) FROM ja WHERE id < 4 ORDER BY 1, 2
    SELECT unnest(ARRAY['a', 'b', NULL])
    SELECT * FROM generate_series(5, 1, -2) WITH ORDINALITY
    SELECT * FROM generate_series(1, 2) a, generate_series(a, 2) b ORDER BY a, b
    SELECT generate_series(1, 2, 0)
    VALUES (1, 'a'), (2, NULL), (NULL, 'c') ORDER BY 1 DESC
    SELECT column2 FROM (VALUES (1, 2), (3, 4)) s ORDER BY column1
    SELECT nextval('seq1'), nextval('seq1'), currval('seq1'), lastval()
    SELECT setval('seq1', 100), nextval('seq1'), setval('seq1', 1, false), nextval('seq1')
    SELECT setval('seq1', 0)
    SELECT currval('v_id_seq')
    SELECT pg_typeof(1), pg_typeof('x'), pg_typeof(1.5), pg_typeof(NULL), pg_typeof(now())
    SELECT id FROM v WHERE id > (SELECT avg(id) FROM v) ORDER BY id
    SELECT count(*) FROM v WHERE t = (SELECT t FROM v WHERE id = 1)
    SELECT x, (SELECT count(*) FROM jb WHERE jb.k > ja.k AND EXISTS (SELECT 1 FROM jc WHERE jc.k = jb.k)) FROM ja
      ORDER BY id
    SELECT CASE WHEN EXISTS (SELECT 1 FROM empty) THEN 1 ELSE 2 END
    SELECT (SELECT sum(a.k) FROM jb LIMIT 1) FROM ja a
    SELECT DISTINCT x, k FROM ja ORDER BY k, x
    SELECT sum(n) FROM (SELECT DISTINCT k AS n FROM ja) s
    SELECT id FROM ja WHERE k = (SELECT 1) OR x = (SELECT 'c') ORDER BY id
    SELECT * FROM (SELECT 1 AS a, 2 AS b) s WHERE a < b
    SELECT count(*) FROM (SELECT id FROM ja LIMIT 3) s
    SELECT id FROM v WHERE id IN (3, 1, 99) ORDER BY id DESC
    SELECT id FROM v WHERE id = 5 AND id = 6
    SELECT id FROM v WHERE NULL
    SELECT id FROM v WHERE id BETWEEN 3 AND 5 AND b IS NOT TRUE ORDER BY id
    """#)
}
