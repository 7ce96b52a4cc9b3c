#if os(Linux)
  import Dispatch
  import Glibc

  @testable import MillraceIO

  /// What an exit test does to its own process so that a system call fails there.
  enum ChildProcess {
    /// Leaves room for so many more descriptors.
    static func limitDescriptors(_ count: Int) throws {
      // Dispatch crashes where it finds no descriptors for itself, so it takes them now.
      let fired = DispatchSemaphore(value: 0)
      let timer = DispatchSource.makeTimerSource()
      timer.setEventHandler { fired.signal() }
      timer.schedule(deadline: .now())
      timer.resume()
      fired.wait()
      var limits = rlimit(rlim_cur: 256, rlim_max: 256)
      guard setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limits) == 0 else { throw ChildFailure("setrlimit", errno) }
      var taken: [Int32] = []
      while true {
        let descriptor = dup(0)
        if descriptor < 0 { break }
        taken.append(descriptor)
      }
      guard taken.count >= count else { throw ChildFailure("dup", errno) }
      for descriptor in taken.suffix(count) { close(descriptor) }
    }

    /// Has the kernel answer io_uring_setup with an errno, as the default seccomp profiles of container engines do.
    static func filterRingSetup(answering number: Int32) throws {
      struct Instruction {
        var code: UInt16
        var whenTrue: UInt8 = 0
        var whenFalse: UInt8 = 0
        var constant: UInt32
      }
      struct Program {
        var length: UInt16
        var instructions: UnsafePointer<Instruction>?
      }
      let (load, jumpIfEqual, finish): (UInt16, UInt16, UInt16) = (0x20, 0x15, 0x06)
      let instructions = [
        // The number of the call is at the start of what a filter looks at; 425 is io_uring_setup's everywhere.
        Instruction(code: load, constant: 0),
        Instruction(code: jumpIfEqual, whenTrue: 0, whenFalse: 1, constant: 425),
        Instruction(code: finish, constant: 0x0005_0000 | UInt32(number)),
        Instruction(code: finish, constant: 0x7FFF_0000),
      ]
      // prctl takes a variable number of arguments, which Swift cannot call by name.
      typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
      guard let symbol = dlsym(nil, "prctl") else { throw ChildFailure("dlsym", 0) }
      let control = unsafeBitCast(symbol, to: Control.self)
      let (noNewPrivileges, setFilter): (Int32, Int32) = (38, 22)
      let result = instructions.withUnsafeBufferPointer { instructions in
        withUnsafePointer(to: Program(length: 4, instructions: instructions.baseAddress)) { program in
          control(noNewPrivileges, 1, 0, 0, 0) | control(setFilter, 2, UInt(bitPattern: program), 0, 0)
        }
      }
      guard result == 0 else { throw ChildFailure("prctl", errno) }
    }

    struct ChildFailure: Error, CustomStringConvertible {
      let description: String
      init(_ call: String, _ number: Int32) { description = "\(call): \(IOError.text(of: number))" }
    }
  }
#endif
