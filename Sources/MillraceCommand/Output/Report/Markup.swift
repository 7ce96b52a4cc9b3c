/// Text that is HTML or SVG already. Everything else gets in only through `init(text:)` or an attribute, escaped.
struct Markup: Equatable {
  private(set) var html: String

  /// Nothing.
  init() {
    html = ""
  }

  /// Any text, escaped.
  init(text: String) {
    html = Self.escape(text)
  }

  private init(html: String) {
    self.html = html
  }

  /// A piece of this program's own markup, such as the style sheet. Never for text that comes from outside.
  static func literal(_ html: StaticString) -> Markup {
    Markup(html: String(describing: html))
  }

  /// An element with its content. Attributes appear in the order given.
  static func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>, _ content: Markup
  ) -> Markup {
    Markup(html: "\(startTag(name, attributes))\(content.html)</\(name)>")
  }

  static func element(_ name: StaticString, _ content: Markup) -> Markup {
    element(name, [:], content)
  }

  /// An element with a text, which is escaped.
  static func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], text: String
  ) -> Markup {
    element(name, attributes, Markup(text: text))
  }

  /// An element that has no content and, in HTML, no end tag.
  static func void(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:]) -> Markup {
    let open = startTag(name, attributes)
    return Markup(html: "\(open.dropLast())/>")
  }

  static func join(_ parts: [Markup], separator: String = "") -> Markup {
    Markup(html: parts.map(\.html).joined(separator: escape(separator)))
  }

  static func + (left: Markup, right: Markup) -> Markup {
    Markup(html: left.html + right.html)
  }

  static func += (left: inout Markup, right: Markup) {
    left.html += right.html
  }

  private static func startTag(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>) -> String {
    attributes.reduce(into: "<\(name)") { tag, attribute in
      tag += " \(attribute.key)=\"\(escape(attribute.value))\""
    } + ">"
  }

  /// Safe as text and inside a quoted attribute. Characters that XML forbids become the replacement character.
  static func escape(_ text: String) -> String {
    var escaped = ""
    escaped.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}"..."\u{FFFF}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
