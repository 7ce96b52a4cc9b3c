public import MillraceStorage

/// Bits of `t_infomask` (src/include/access/htup_details.h).
public typealias Infomask = HeapTupleHeader.Infomask

extension HeapTupleHeader.Infomask {
  /// Some value is stored out of line.
  @inlinable public static var hasExternal: Self { Self(rawValue: 0x0004) }
  @inlinable public static var xmaxKeyShareLock: Self { Self(rawValue: 0x0010) }
  /// `t_cid` stands for a pair of command numbers.
  @inlinable public static var comboCommand: Self { Self(rawValue: 0x0020) }
  @inlinable public static var xmaxExclusiveLock: Self { Self(rawValue: 0x0040) }
  /// `xmax` only locked the tuple.
  @inlinable public static var xmaxLockOnly: Self { Self(rawValue: 0x0080) }
  @inlinable public static var xmaxIsMulti: Self { Self(rawValue: 0x1000) }
  /// This is a newer version of a row.
  @inlinable public static var updated: Self { Self(rawValue: 0x2000) }
  /// Left by `VACUUM FULL` before PostgreSQL 9.0.
  @inlinable public static var moved: Self { Self(rawValue: 0xC000) }

  /// All that says something of `xmax`: `HEAP_XMAX_BITS`.
  @inlinable public static var xmaxBits: Self { Self(rawValue: 0x1CD0) }
  /// All that is about transactions: `HEAP_XACT_MASK`.
  @inlinable public static var transactionBits: Self { Self(rawValue: 0xFFF0) }

  /// Whether `xmin` is known to have aborted: alone, for together with the other bit it means frozen.
  @inlinable public var isXminInvalid: Bool { rawValue & 0x0300 == 0x0200 }
  @inlinable public var isXminFrozen: Bool { rawValue & 0x0300 == 0x0300 }

  /// Whether `xmax` only locked the tuple (`HEAP_XMAX_IS_LOCKED_ONLY`).
  @inlinable public var isXmaxLockOnly: Bool { rawValue & 0x0080 != 0 || rawValue & 0x10D0 == 0x0040 }
}

/// Bits of `t_infomask2`, above the number of columns.
public struct Infomask2: OptionSet, Sendable, Hashable {
  public let rawValue: UInt16

  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The tuple was deleted, or updated in key columns.
  @inlinable public static var keysUpdated: Self { Self(rawValue: 0x2000) }
  /// The next version is on the same page and in no index.
  @inlinable public static var hotUpdated: Self { Self(rawValue: 0x4000) }
  /// The tuple itself is in no index.
  @inlinable public static var heapOnly: Self { Self(rawValue: 0x8000) }

  /// All that is about transactions: `HEAP2_XACT_MASK`.
  @inlinable public static var transactionBits: Self { Self(rawValue: 0xE000) }

  /// How many columns the tuple has.
  @inlinable public var attributeCount: Int { Int(rawValue & 0x07FF) }
}

/// What log records say of the bits about `xmax`, in one byte: PostgreSQL's `XLHL_` flags
/// (src/include/access/heapam_xlog.h).
public struct XmaxInfoBits: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  static let isMulti = Self(rawValue: 0x01)
  static let lockOnly = Self(rawValue: 0x02)
  static let exclusiveLock = Self(rawValue: 0x04)
  static let keyShareLock = Self(rawValue: 0x08)
  static let keysUpdated = Self(rawValue: 0x10)

  private static let infomaskBits: [(Self, Infomask)] = [
    (.isMulti, .xmaxIsMulti), (.lockOnly, .xmaxLockOnly), (.exclusiveLock, .xmaxExclusiveLock),
    (.keyShareLock, .xmaxKeyShareLock),
  ]

  /// What a tuple's bits are in a record (`compute_infobits`).
  init(_ infomask: Infomask, _ infomask2: Infomask2) {
    var bits: Self = infomask2.contains(.keysUpdated) ? .keysUpdated : []
    for (bit, mask) in Self.infomaskBits where infomask.contains(mask) { bits.insert(bit) }
    self = bits
  }

  /// What a record's bits are in a tuple (`fix_infomask_from_infobits`).
  var infomask: Infomask {
    var infomask: Infomask = []
    for (bit, mask) in Self.infomaskBits where contains(bit) { infomask.insert(mask) }
    return infomask
  }

  var infomask2: Infomask2 { contains(.keysUpdated) ? .keysUpdated : [] }
}
