// Places for files, seeds and clusters are shared with the tests of other targets.
@_exported import MillraceTestSupport
