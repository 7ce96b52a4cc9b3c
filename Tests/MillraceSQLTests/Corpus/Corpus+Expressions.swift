extension Corpus {
  static let expressions = #"""
    SELECT 1, -1, +1, 2147483647, -2147483648, 2147483648, 1.5, -1.5, .5, 1e10, 1.5e-3, 99999999999999999999;
    SELECT TRUE, FALSE, NULL, true::bool, 'true'::bool;
    SELECT 'a', 'it''s', '', 'back\slash', E'tab\tnew\nline\\', E'\u00e9\x41', U&'d\0061t\+000061',
    U&'!0041' UESCAPE '!';
    SELECT $$dollar 'quoted'$$, $tag$with $$ inside$tag$, N'national';
    SELECT B'101', X'1F', b'';
    SELECT 'two'
    ' lines';
    SELECT $1, $2::int, $3 + $1, ($4).a, $5[1];
    SELECT a + b * c - d / e % f ^ g;
    SELECT (a + b) * c, a - (b - c), a - b - c, -(-a), - a + b, -(a + b);
    SELECT @ a, ~ b, |/ c, a || b || c, a <-> b, a -> 'b' ->> 'c', a #> b, a @> b, a ?| b, a && b;
    SELECT a < b, a <= b, a = b, a >= b, a > b, a <> b, a != b;
    SELECT a OPERATOR(pg_catalog.+) b, OPERATOR(s.-) a, a OPERATOR(=) b;
    SELECT a AND b AND c, a OR b OR c, NOT a, NOT NOT a, a AND (b OR c) AND NOT d, a AND (b AND c), (a OR b) OR c;
    SELECT NOT a = b, NOT (a AND b), (NOT a) IS NULL, NOT a IS NULL;
    SELECT a IS NULL, a IS NOT NULL, a ISNULL, a NOTNULL, (a, b) IS NULL;
    SELECT a IS TRUE, a IS NOT TRUE, a IS FALSE, a IS NOT FALSE, a IS UNKNOWN, a IS NOT UNKNOWN;
    SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM NULL;
    SELECT a BETWEEN 1 AND 2, a NOT BETWEEN 1 AND 2, a BETWEEN SYMMETRIC 2 AND 1, a NOT BETWEEN SYMMETRIC b AND c;
    SELECT a BETWEEN b + 1 AND c AND d;
    SELECT a IN (1, 2, 3), a NOT IN (1), a IN ('a', b || 'c'), (a, b) IN ((1, 2), (3, 4));
    SELECT a LIKE 'b%', a NOT LIKE 'b', a LIKE 'b' ESCAPE '!', a NOT LIKE b ESCAPE c || d;
    SELECT a ILIKE 'b%', a NOT ILIKE 'b', a ILIKE 'b' ESCAPE '\';
    SELECT a SIMILAR TO 'b', a NOT SIMILAR TO 'b', a SIMILAR TO 'b' ESCAPE '#';
    SELECT a ~ 'b', a ~* 'b', a !~ 'b', a !~* 'b', a ~~ 'b', a !~~* 'b';
    SELECT a = ANY (b), a < ALL (ARRAY[1, 2]), a LIKE ANY ($1), a NOT ILIKE ALL (b), a OPERATOR(pg_catalog.=) ANY (b);
    SELECT CASE WHEN a THEN b END, CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' ELSE 'z' END;
    SELECT CASE WHEN a > 1 AND b THEN CASE c WHEN d THEN 1 END ELSE a + b END + 1;
    SELECT COALESCE(a, b, 1), NULLIF(a, b), GREATEST(a, b, c), LEAST(1);
    SELECT CAST(a AS integer), a::text, a::int::text, '1'::int, (a + b)::numeric(10, 2), -1::int, (-1)::int;
    SELECT a::int2, a::int8, a::bigint, a::smallint, a::real, a::double precision, a::float(3), a::float(50);
    SELECT a::decimal, a::numeric(5), a::dec(3, 1), a::boolean, a::varchar, a::varchar(3), a::character varying(4);
    SELECT a::char, a::char(3), a::bpchar, a::character, a::"char", a::nchar(2), a::bit, a::bit(3),
    a::bit varying(5), a::varbit;
    SELECT a::time, a::time(3), a::timetz, a::time with time zone, a::time(2) with time zone;
    SELECT a::timestamp, a::timestamp(3) without time zone, a::timestamptz(0), a::timestamp with time zone, a::date;
    SELECT a::interval, a::interval(3), a::interval year, a::interval day to second, a::interval second(2);
    SELECT a::json, a::uuid, a::bytea, a::name, a::oid, a::regclass, a::s.mytype, a::pg_catalog.int4, a::"Quoted"(1, 2);
    SELECT a::int[], a::int[3][], a::int ARRAY, a::int ARRAY[4], a::text[][], a::numeric(3, 2)[];
    SELECT DATE '2020-01-01', TIMESTAMP '2020-01-01 00:00', INTERVAL '1 day', INTERVAL '1' YEAR, INTERVAL(3) '1';
    SELECT int4 '1', float8 '1.5', s.t 'x', mytype(3) 'y', bool 't', TIME(3) '10:00', INTERVAL '1:30' HOUR TO MINUTE;
    SELECT a COLLATE "C", a || b COLLATE pg_catalog."default", (a COLLATE "C") < b;
    SELECT ARRAY[1, 2, 3], ARRAY[]::int[], ARRAY[[1, 2], [3, 4]], ARRAY[a, b + 1], ARRAY[ARRAY[1], ARRAY[2]];
    SELECT a[1], a[1][2], a[1:2], a[:2], a[1:], a[:], a[b + 1], (a)[1], (f(x))[2], t.a[1], t.a[1].b;
    SELECT (a).b, (t.a).b.c, (f(x)).*, (ROW(1, 2)).f1, ((SELECT r)).x, (a).b[3];
    SELECT ROW(), ROW(1), ROW(1, 2), (1, 2), ROW(a.*), ROW(1, ROW(2, 3)), ((1, 2), 3);
    SELECT f(), f(1), f(a, b), s.f(a), c.s.f(a), "F"(1), f(a => 1, b := 2), f(1, c => 3), f(VARIADIC a), f(1,
    VARIADIC b);
    SELECT count(*), count(DISTINCT a), count(ALL a), sum(DISTINCT a + b), string_agg(a, ',' ORDER BY b DESC, c);
    SELECT array_agg(DISTINCT a ORDER BY a), sum(a) FILTER (WHERE b > 1),
    count(*) FILTER (WHERE c) OVER (PARTITION BY d);
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), mode() WITHIN GROUP (ORDER BY b) FILTER (WHERE c);
    SELECT CURRENT_DATE, CURRENT_TIME, CURRENT_TIME(3), CURRENT_TIMESTAMP, CURRENT_TIMESTAMP(0), LOCALTIME,
    LOCALTIME(1);
    SELECT LOCALTIMESTAMP, LOCALTIMESTAMP(6), CURRENT_USER, CURRENT_ROLE, SESSION_USER, USER, CURRENT_CATALOG,
    CURRENT_SCHEMA;
    SELECT EXTRACT(year FROM a), EXTRACT('epoch' FROM b), extract(DAY FROM timestamp '2020-01-01'),
    extract(century from c);
    SELECT POSITION('a' IN b), OVERLAY(a PLACING b FROM 1), OVERLAY(a PLACING b FROM 1 FOR 2), overlay(a, b, 1);
    SELECT SUBSTRING(a FROM 1), SUBSTRING(a FROM 1 FOR 2), SUBSTRING(a FOR 2), substring(a, 1, 2),
    substring(a SIMILAR b ESCAPE c);
    SELECT TRIM(a), TRIM(BOTH FROM a), TRIM(LEADING 'x' FROM a), TRIM(TRAILING FROM a), TRIM(a, b), TRIM('x' FROM a),
    trim(a, b, c);
    SELECT a AT TIME ZONE 'UTC', a AT TIME ZONE b || c, (a AT TIME ZONE 'x') AT TIME ZONE 'y', timezone('x', a);
    SELECT (a, b) OVERLAPS (c, d), COLLATION FOR (a), NORMALIZE(a), NORMALIZE(a, NFKC), a IS NORMALIZED,
    a IS NOT NFD NORMALIZED;
    SELECT TREAT(a AS int), "coalesce"(a), "time"(b), pg_catalog.btrim(a), pg_catalog.extract('year', b);
    SELECT EXISTS (SELECT 1), NOT EXISTS (SELECT FROM t), (SELECT 1) + 1, ((SELECT 2)), ARRAY(VALUES (1), (2));
    SELECT a = (SELECT b) AND (SELECT c), (SELECT 1) IS NULL, -(SELECT 1), (SELECT ARRAY[1, 2])[1];
    SELECT a + INTERVAL '1 day' * 2 > now() - '1 hour'::interval;
    SELECT (((((((((((1)))))))))));
    SELECT a.b.c.d, (a).b.c, a FROM a.b;
    SELECT a IS NOT NULL = b, (a = b) IS TRUE, a = (b IS NULL), a LIKE (b IN (1)), (a BETWEEN 1 AND 2) = true;
    SELECT (a < b) = (c < d), (a = b) <> c, NOT (a = b) = c, (a IN (1)) IN (true);
    SELECT x'ffff'::int, '\x1234'::bytea, E'\\x12'::bytea, 'a\b', 'ünïcödé', '日本', '😀';
    SELECT 1 WHERE a ~ '^[a-z]+$' AND b NOT LIKE '\_%' ESCAPE '';
    SELECT 0.1 + 1., 1.e5, 1e+5, 000123;
    SELECT a AS a1, 1 one, 'x' "X";
    SELECT nextval('s'), currval('s'::regclass), setval('s', 1, false), lower(a) || upper(b), md5(random()::text);
    """#
}
