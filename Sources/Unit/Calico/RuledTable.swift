/// Cells in rules of `+`, `-` and `|`, headings centred: as calicoctl prints reports.
struct RuledTable {
  private var rows: [[String]]

  init(_ headings: [String]) { rows = [headings] }

  mutating func add(_ cells: [String]) { rows.append(cells) }

  var text: String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let rule = "+" + widths.map { String(repeating: "-", count: $0 + 2) + "+" }.joined()
    func line(_ cells: [String], _ place: (String, Int) -> String) -> String {
      "|" + zip(cells, widths).map { " \(place($0, $1)) |" }.joined()
    }
    let body = rows.dropFirst().map { line($0, Self.aligned) }
    return ([rule, line(rows[0], Self.centred), rule] + body + [rule]).joined(separator: "\n")
      + "\n"
  }

  private static func centred(_ text: String, _ width: Int) -> String {
    let space = width - text.count
    return spaces(space / 2) + text + spaces(space - space / 2)
  }

  /// Numbers to the right, all else to the left.
  private static func aligned(_ text: String, _ width: Int) -> String {
    let space = spaces(width - text.count)
    return Int(text) == nil ? text + space : space + text
  }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
}
