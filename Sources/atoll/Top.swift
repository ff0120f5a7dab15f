import ArgumentParser
import EdgeService
import Glibc
import Linux
import NetTypes

struct Top: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Watch an edge: requests, codes, times, bytes, by virtual server, pool and member.",
    discussion: """
      A screen that is drawn anew every second; Ctrl-C ends it. Rates and times are those of the \
      last second. Where the output is no terminal, and with --once, one screen is printed.
      """)

  @OptionGroup var edge: EdgeSocketOptions
  @Option(help: "Seconds between two screens.")
  var interval = 1.0
  @Flag(help: "Print one screen and exit.")
  var once = false

  func validate() throws {
    if !(0.1...60).contains(interval) {
      throw ValidationError("interval: found \(interval), expected 0.1 to 60")
    }
  }

  @Loop func run() async throws {
    let client = try edge.client()
    let isScreen = !once && isatty(STDOUT_FILENO) == 1
    var (earlier, then) = (EdgeReport(try await client.dump()), Loop.now)
    repeat {
      try await Loop.sleep(.milliseconds(Int(interval * 1000)))
      let (later, now) = (EdgeReport(try await client.dump()), Loop.now)
      let text = EdgeTop(from: earlier, to: later, in: then.duration(to: now)).text
      if isScreen {
        // Home, each line cleared behind its end, and what is left below.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        print("\u{1b}[H" + lines.map { $0 + "\u{1b}[K\n" }.joined() + "\u{1b}[J", terminator: "")
        fflush(nil)
      } else {
        print(text)
      }
      (earlier, then) = (later, now)
    } while isScreen
  }
}
