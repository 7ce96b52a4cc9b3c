import MillraceTypes

extension FunctionRegistry {
  mutating func addFloats() {
    addFloat8()
    addFloat4()
    addMixedFloats()
    addFloatCasts()
  }

  private mutating func addFloat8() {
    binary("float8pl") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.adding(a.float8, b.float8)) }
    }
    binary("float8mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.subtracting(a.float8, b.float8)) }
    }
    binary("float8mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.multiplying(a.float8, b.float8)) }
    }
    binary("float8div") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.dividing(a.float8, by: b.float8)) }
    }
    unary("float8um") { (call) throws(TypeError) in try call.each { Datum(-$0.float8) } }
    unary("float8abs") { (call) throws(TypeError) in try call.each { Datum($0.float8.magnitude) } }
    binary("float8larger") { (call) throws(TypeError) in
      try call.each { $0.float8.sqlOrder(to: $1.float8) > 0 ? $0 : $1 }
    }
    binary("float8smaller") { (call) throws(TypeError) in
      try call.each { $0.float8.sqlOrder(to: $1.float8) < 0 ? $0 : $1 }
    }
  }

  private mutating func addFloat4() {
    binary("float4pl") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Float.adding(a.float4, b.float4)) }
    }
    binary("float4mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Float.subtracting(a.float4, b.float4)) }
    }
    binary("float4mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Float.multiplying(a.float4, b.float4)) }
    }
    binary("float4div") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Float.dividing(a.float4, by: b.float4)) }
    }
    unary("float4um") { (call) throws(TypeError) in try call.each { Datum(-$0.float4) } }
    unary("float4abs") { (call) throws(TypeError) in try call.each { Datum($0.float4.magnitude) } }
    binary("float4larger") { (call) throws(TypeError) in
      try call.each { $0.float4.sqlOrder(to: $1.float4) > 0 ? $0 : $1 }
    }
    binary("float4smaller") { (call) throws(TypeError) in
      try call.each { $0.float4.sqlOrder(to: $1.float4) < 0 ? $0 : $1 }
    }
  }

  private mutating func addMixedFloats() {
    binary("float48pl") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.adding(Double(a.float4), b.float8)) }
    }
    binary("float48mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.subtracting(Double(a.float4), b.float8)) }
    }
    binary("float48mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.multiplying(Double(a.float4), b.float8)) }
    }
    binary("float48div") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.dividing(Double(a.float4), by: b.float8)) }
    }
    binary("float84pl") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.adding(a.float8, Double(b.float4))) }
    }
    binary("float84mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.subtracting(a.float8, Double(b.float4))) }
    }
    binary("float84mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.multiplying(a.float8, Double(b.float4))) }
    }
    binary("float84div") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.dividing(a.float8, by: Double(b.float4))) }
    }
  }

  private mutating func addFloatCasts() {
    unary("ftod") { (call) throws(TypeError) in try call.each { Datum(Double($0.float4)) } }
    unary("dtof") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Float.converting(a.float8)) }
    }
    unary("i2tod", "i4tod", "i8tod") { (call) throws(TypeError) in try call.each { Datum(Double($0.int64)) } }
    unary("i2tof", "i4tof", "i8tof") { (call) throws(TypeError) in try call.each { Datum(Float($0.int64)) } }
    unary("dtoi2") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int16.rounding(a.float8)) }
    }
    unary("dtoi4") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int32.rounding(a.float8)) }
    }
    unary("dtoi8") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int64.rounding(a.float8)) }
    }
    unary("ftoi2") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int16.rounding(a.float4)) }
    }
    unary("ftoi4") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int32.rounding(a.float4)) }
    }
    unary("ftoi8") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Int64.rounding(a.float4)) }
    }
  }
}
