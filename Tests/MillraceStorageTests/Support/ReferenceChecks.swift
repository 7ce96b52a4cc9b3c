/// Plain re-statements of the two checks, one step a line, against which the fast ones are compared.
enum Reference {
  private static let bases: [UInt32] = [
    0x5B1F_36E9, 0xB852_5960, 0x02AB_50AA, 0x1DE6_6D2A, 0x79FF_467A, 0x9BB9_F8A3, 0x217E_7CD2, 0x83E1_3D2C,
    0xF8D4_474F, 0xE39E_B970, 0x42C6_AE16, 0x9932_16FA, 0x7B09_3B5D, 0x98DA_FF3C, 0xF718_902A, 0x0B1C_9CDB,
    0xE58F_764B, 0x1876_36BC, 0x5D7B_3BB1, 0xE73D_E7DE, 0x92BE_C979, 0xCCA6_C0B2, 0x304A_0979, 0x85AA_43D4,
    0x7831_25BB, 0x6CA8_EAA2, 0xE407_EAC6, 0x4B5C_FC3E, 0x9FBF_8C76, 0x15CA_20BE, 0xF2CA_9FD3, 0x959B_D756,
  ]

  /// PostgreSQL's page checksum, as src/include/storage/checksum_impl.h describes it.
  static func pageChecksum(_ page: [UInt8], block: UInt32) -> UInt16 {
    precondition(page.count == 8192)
    var bytes = page
    bytes[8] = 0
    bytes[9] = 0
    var lanes = bases
    func mix(_ lane: Int, _ value: UInt32) {
      let mixed = lanes[lane] ^ value
      lanes[lane] = (mixed &* 16_777_619) ^ (mixed >> 17)
    }
    for row in 0..<64 {
      for lane in 0..<32 {
        let at = row * 128 + lane * 4
        let word =
          UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
        mix(lane, word)
      }
    }
    for _ in 0..<2 {
      for lane in 0..<32 { mix(lane, 0) }
    }
    let hash = lanes.reduce(0, ^) ^ block
    return UInt16(hash % 65_535 + 1)
  }

  /// CRC-32C bit by bit. Takes and returns the bare register.
  static func crc32c(_ crc: UInt32, _ bytes: some Sequence<UInt8>) -> UInt32 {
    var register = crc
    for byte in bytes {
      register ^= UInt32(byte)
      for _ in 0..<8 {
        register = register & 1 == 1 ? register >> 1 ^ 0x82F6_3B78 : register >> 1
      }
    }
    return register
  }
}
