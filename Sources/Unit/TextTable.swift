/// Columns under headings, three spaces apart, as kubectl prints them.
package struct TextTable {
  private var rows: [[String]]

  package init(_ headings: String...) { rows = [headings] }

  package mutating func add(_ cells: String...) { rows.append(cells) }

  package var isEmpty: Bool { rows.count == 1 }

  package var text: String {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    let lines = rows.map { row in
      let cells = row.enumerated().map { column, cell in
        column == row.count - 1
          ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 3)
      }
      return cells.joined()
    }
    return lines.joined(separator: "\n")
  }
}
