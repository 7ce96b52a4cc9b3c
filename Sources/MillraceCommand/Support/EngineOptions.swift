import ArgumentParser
import Logging
import MillraceEngine
import MillraceIO
import MillraceSettings

/// The option of every command that does I/O: any setting.
struct SettingOptions: ParsableArguments {
  @Option(
    name: .customShort("c"),
    help: ArgumentHelp(
      "Sets a setting, such as io_workers=4. Sizes and times take PostgreSQL's units. May be repeated.",
      valueName: "name=value"))
  var assignments: [String] = []

  /// The settings that the command line makes. Tools use `io_method=auto` unless told otherwise.
  /// - Parameter method: what `--io-method` says.
  func settings(method: String? = nil) throws -> Settings {
    var settings = Settings()
    try settings.set(.ioMethod, to: .auto)
    for text in assignments {
      let assignment = try SettingAssignment(text)
      try settings.set(assignment.name, to: assignment.value)
    }
    if let method { try settings.set("io_method", to: method) }
    for warning in settings.warnings { Output.warningLine(warning.message, detail: warning.detail) }
    return settings
  }

  /// The same by name, as a database takes them: its own files say the others.
  func settingValues() throws -> [String: String] {
    _ = try settings()
    let all = try assignments.map { try SettingAssignment($0) }
    return Dictionary(all.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
  }
}

/// The options of every command that does I/O by one method.
struct EngineOptions: ParsableArguments {
  @Option(
    name: .customLong("io-method"),
    help: ArgumentHelp(
      "How I/O is executed: worker, sync, io_uring, posix_aio or auto.", valueName: "method"))
  var ioMethod: String?

  @OptionGroup var options: SettingOptions

  func settings() throws -> Settings { try options.settings(method: ioMethod) }
}

extension IOConfiguration {
  /// What the settings say, for a tool with a few backends.
  init(tool settings: Settings, backendsMax: Int) {
    self.init(settings, backendsMax: backendsMax)
    logger = Logger(label: "millrace") { _ in StandardErrorLog() }
  }
}

/// The engine's log lines, as a command line tool shows them.
struct StandardErrorLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    if event.level >= .error {
      Output.errorLine("\(event.message)")
    } else {
      Output.warningLine("\(event.message)")
    }
  }
}
