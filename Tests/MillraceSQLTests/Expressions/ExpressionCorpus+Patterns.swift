extension ExpressionCorpus {
  /// Regular expressions by themselves: groups, preferences, options, errors.
  static let regularExpressions = [
    #"~i4"#, #"~i8"#, #"regexp_match(t,'(\w)(\w)')"#, #"regexp_match(t,'(a)|(T)')"#,
    #"regexp_replace(t,'(\w+) (\w+)','\2 \1')"#, #"regexp_match(t,'(.)\1')"#, #"regexp_match(t,'([a-z]*?)X(.*)')"#,
    #"regexp_match('foobarbequebaz','(bar)(beque)')"#, #"regexp_match('abc01234xyz','(?:(.*?)(\d+)(.*)){1,1}')"#,
    #"regexp_match('abc01234xyz','(.*)(\d+)(.*)')"#, #"regexp_match('abc01234xyz','(.*?)(\d+)(.*)')"#,
    #"regexp_replace('foobarbaz','b(..)','X\1Y','g')"#,
    #"regexp_replace('A PostgreSQL function','a|e|i|o|u','X',1,0,'i')"#,
    #"regexp_replace('A PostgreSQL function','a|e|i|o|u','X',1,3,'i')"#, #"'abc' ~ '('"#, #"'abc' ~ 'a**'"#,
    #"'abc' ~ '[a'"#, #"'abc' ~ 'a{2,1}'"#, #"'abc' ~ '\'"#, #"'abc' ~ '*a'"#, #"'abc' ~ '[[:foo:]]'"#,
    #"'a' ~ '[z-a]'"#, #"regexp_match('a','a','g')"#, #"regexp_match('a','a','z')"#,
    #"regexp_split_to_array('hello world','\s+')"#, #"regexp_split_to_array('hello','')"#,
    #"regexp_split_to_array(' a  b ',' *')"#, #"regexp_replace('abc','','-','g')"#, #"regexp_count('abcabc','b',3)"#,
    #"'aaa' ~ '^(a|aa)(a)?$'"#, #"regexp_match('aaaa','^(a|aa)*$')"#, #"regexp_match('xyz','(x)?(q)?(y)')"#,
    #"'a\nb' ~ 'a.b'"#, #"'a\nb' ~ '(?n)a.b'"#, #"'a\nb' ~ '(?w)^b$'"#, #"regexp_match('ab','(?<=a)b')"#,
    #"regexp_match('ab','(?<!a)b')"#, #"'ab.c' ~ '***=b.c'"#, #"'ab c' ~ '(?x)b \s c # comment'"#,
    #"regexp_match('2024-01-02','(\d{4})-(\d\d)-(\d\d)')"#,
  ]
}
