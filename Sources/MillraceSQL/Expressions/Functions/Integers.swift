import MillraceTypes

extension FunctionRegistry {
  mutating func addIntegers() {
    addInt2()
    addInt4()
    addInt8()
    addMixedIntegers()
    addIntegerCasts()
  }

  private mutating func addInt2() {
    binary("int2pl") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int16.adding(a.int16, b.int16)) }
    }
    binary("int2mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int16.subtracting(a.int16, b.int16)) }
    }
    binary("int2mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int16.multiplying(a.int16, b.int16)) }
    }
    binary("int2div") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int16.dividing(a.int16, by: b.int16)) }
    }
    binary("int2mod") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int16.remainder(a.int16, by: b.int16)) }
    }
    unary("int2um") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int16.negating(a.int16)) }
    }
    unary("int2abs") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int16.absolute(a.int16)) }
    }
    binary("int2and") { (call) throws(TypeError) in try call.each { Datum($0.int16 & $1.int16) } }
    binary("int2or") { (call) throws(TypeError) in try call.each { Datum($0.int16 | $1.int16) } }
    binary("int2xor") { (call) throws(TypeError) in try call.each { Datum($0.int16 ^ $1.int16) } }
    unary("int2not") { (call) throws(TypeError) in try call.each { Datum(~$0.int16) } }
    binary("int2shl") { (call) throws(TypeError) in
      try call.each { Datum(Int16.shiftingLeft($0.int16, by: $1.int32)) }
    }
    binary("int2shr") { (call) throws(TypeError) in
      try call.each { Datum(Int16.shiftingRight($0.int16, by: $1.int32)) }
    }
  }

  private mutating func addInt4() {
    binary("int4pl") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.adding(a.int32, b.int32)) }
    }
    binary("int4mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.subtracting(a.int32, b.int32)) }
    }
    binary("int4mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.multiplying(a.int32, b.int32)) }
    }
    binary("int4div") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.dividing(a.int32, by: b.int32)) }
    }
    binary("int4mod") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.remainder(a.int32, by: b.int32)) }
    }
    unary("int4um") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int32.negating(a.int32)) }
    }
    unary("int4abs") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int32.absolute(a.int32)) }
    }
    unary("int2up", "int4up", "int8up", "float4up", "float8up", "numeric_uplus") { (call) throws(TypeError) in
      try call.each { $0 }
    }
    unary("int4inc") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int32.adding(a.int32, 1)) }
    }
    binary("int4and") { (call) throws(TypeError) in try call.each { Datum($0.int32 & $1.int32) } }
    binary("int4or") { (call) throws(TypeError) in try call.each { Datum($0.int32 | $1.int32) } }
    binary("int4xor") { (call) throws(TypeError) in try call.each { Datum($0.int32 ^ $1.int32) } }
    unary("int4not") { (call) throws(TypeError) in try call.each { Datum(~$0.int32) } }
    binary("int4shl") { (call) throws(TypeError) in
      try call.each { Datum(Int32.shiftingLeft($0.int32, by: $1.int32)) }
    }
    binary("int4shr") { (call) throws(TypeError) in
      try call.each { Datum(Int32.shiftingRight($0.int32, by: $1.int32)) }
    }
    binary("int4gcd") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.greatestCommonDivisor(a.int32, b.int32)) }
    }
    binary("int4lcm") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.leastCommonMultiple(a.int32, b.int32)) }
    }
  }

  /// bigint, and what is computed as bigint from a narrower operand: words are extended by their sign.
  private mutating func addInt8() {
    binary("int8pl", "int28pl", "int82pl", "int48pl", "int84pl") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int64.adding(a.int64, b.int64)) }
    }
    binary("int8mi", "int28mi", "int82mi", "int48mi", "int84mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int64.subtracting(a.int64, b.int64)) }
    }
    binary("int8mul", "int28mul", "int82mul", "int48mul", "int84mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int64.multiplying(a.int64, b.int64)) }
    }
    binary("int8div", "int28div", "int82div", "int48div", "int84div") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int64.dividing(a.int64, by: b.int64)) }
    }
    binary("int8mod") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int64.remainder(a.int64, by: b.int64)) }
    }
    unary("int8um") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int64.negating(a.int64)) }
    }
    unary("int8abs") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int64.absolute(a.int64)) }
    }
    unary("int8inc") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int64.adding(a.int64, 1)) }
    }
    unary("int8dec") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int64.subtracting(a.int64, 1)) }
    }
    binary("int8and") { (call) throws(TypeError) in try call.each { Datum($0.int64 & $1.int64) } }
    binary("int8or") { (call) throws(TypeError) in try call.each { Datum($0.int64 | $1.int64) } }
    binary("int8xor") { (call) throws(TypeError) in try call.each { Datum($0.int64 ^ $1.int64) } }
    unary("int8not") { (call) throws(TypeError) in try call.each { Datum(~$0.int64) } }
    binary("int8shl") { (call) throws(TypeError) in
      try call.each { Datum(Int64.shiftingLeft($0.int64, by: $1.int32)) }
    }
    binary("int8shr") { (call) throws(TypeError) in
      try call.each { Datum(Int64.shiftingRight($0.int64, by: $1.int32)) }
    }
    binary("int8gcd") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int64.greatestCommonDivisor(a.int64, b.int64)) }
    }
    binary("int8lcm") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int64.leastCommonMultiple(a.int64, b.int64)) }
    }
  }

  /// smallint with integer.
  private mutating func addMixedIntegers() {
    binary("int24pl", "int42pl") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.adding(a.int32, b.int32)) }
    }
    binary("int24mi", "int42mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.subtracting(a.int32, b.int32)) }
    }
    binary("int24mul", "int42mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.multiplying(a.int32, b.int32)) }
    }
    binary("int24div", "int42div") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Int32.dividing(a.int32, by: b.int32)) }
    }
    binary("int2larger", "int4larger", "int8larger", "oidlarger", "date_larger", "time_larger", "timestamp_larger") {
      (call) throws(TypeError) in
      try call.each { $0.int64 > $1.int64 ? $0 : $1 }
    }
    binary(
      "int2smaller", "int4smaller", "int8smaller", "oidsmaller", "date_smaller", "time_smaller", "timestamp_smaller"
    ) { (call) throws(TypeError) in
      try call.each { $0.int64 < $1.int64 ? $0 : $1 }
    }
  }

  private mutating func addIntegerCasts() {
    // A narrower integer is a wider one already.
    unary("i2toi4", "int28", "int48") { (call) throws(TypeError) in try call.each { $0 } }
    unary("i4toi2", "int82") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int16.converting(a.int64)) }
    }
    unary("int84") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int32.converting(a.int64)) }
    }
    unary("oidtoi8") { (call) throws(TypeError) in try call.each { Datum(Int64($0.oid)) } }
    unary("i8tooid") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        guard let oid = UInt32(exactly: a.int64) else { throw TypeError.outOfRange("OID") }
        return Datum(oid: oid)
      }
    }
    unary("int4_bool") { (call) throws(TypeError) in try call.each { Datum($0.int32 != 0) } }
    unary("bool_int4") { (call) throws(TypeError) in try call.each { Datum(Int32($0.bool ? 1 : 0)) } }
    unary("chartoi4") { (call) throws(TypeError) in try call.each { Datum(Int32(Int8(bitPattern: $0.char))) } }
    unary("i4tochar") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        guard let value = Int8(exactly: a.int32) else { throw TypeError.outOfRange("\"char\"") }
        return Datum(char: UInt8(bitPattern: value))
      }
    }
  }
}
