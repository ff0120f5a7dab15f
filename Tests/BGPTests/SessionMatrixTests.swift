import BGP
import NetTypes
import Testing

/// RFC 4271 §8.2.2 as a whole: every event in every state, and the state it leads to.
@Suite struct SessionMatrixTests {
  struct Row: CustomTestStringConvertible, Sendable {
    /// Numbers of §8.1.
    var name: String
    var event: Session.Event
    /// One letter a state, from Idle, Connect, Active, OpenSent, OpenConfirm and Established:
    /// I, C, A, S, F and E.
    var next: String
    var testDescription: String { name }
  }

  static let states: [SessionState.Name] = [
    .idle, .connect, .active, .openSent, .openConfirm, .established,
  ]

  static let cease = NotificationMessage.administrativeShutdown

  static let rows = [
    Row(name: "1, 3 start", event: .start, next: "CCASFE"),
    Row(name: "2, 8 stop", event: .stop(cease), next: "IIIIII"),
    Row(name: "2 stop for a time", event: .hold(cease, until: nil), next: "IIIIII"),
    Row(name: "9-13 nothing is due", event: .tick, next: "ICASFE"),
    Row(name: "16 our connection is open", event: .connected, next: "ISSSFE"),
    Row(name: "17 a connection was accepted", event: .accepted, next: "ICSSFE"),
    Row(name: "18 the connection fails", event: .connectionFailed, next: "IAAAII"),
    Row(name: "19 OPEN", event: .message(.open(SessionTests.peerOpen)), next: "IIIFII"),
    Row(name: "21, 22, 28 malformed", event: .malformed(.malformedOpen), next: "IIIIII"),
    Row(name: "23 collision", event: .collisionDump, next: "IIIIII"),
    Row(
      name: "24 NOTIFICATION of version", event: .message(.notification(.unsupportedVersion)),
      next: "IIIIII"),
    Row(name: "25 NOTIFICATION", event: .message(.notification(cease)), next: "IIIIII"),
    Row(name: "26 KEEPALIVE", event: .message(.keepalive), next: "IIIIEE"),
    Row(name: "27 UPDATE", event: .message(.update(SessionTests.routes)), next: "IIIIIE"),
    Row(
      name: "ROUTE-REFRESH", event: .message(.routeRefresh(RouteRefreshMessage(.ipv4))),
      next: "IIIIIE"),
    Row(name: "the path is down", event: .pathDown("BFD"), next: "IIIIII"),
  ]

  private func name(_ letter: Character) -> SessionState.Name? {
    ["I": .idle, "C": .connect, "A": .active, "S": .openSent, "F": .openConfirm][letter]
      ?? (letter == "E" ? .established : nil)
  }

  @Test(arguments: rows, states)
  func `an event leads from a state to a state`(_ row: Row, _ state: SessionState.Name) throws {
    let position = try #require(Self.states.firstIndex(of: state))
    let expected = try #require(name(Array(row.next)[position]))
    var session = SessionTests.session(in: state)
    let actions = session.handle(row.event, at: .zero)
    #expect(session.state.name == expected)

    // Whoever was told of a session hears of its end, once, and after the connection's.
    let ends = actions.filter {
      if case .down = $0 { return true }
      if case .failed = $0 { return true }
      return false
    }
    #expect(ends.count <= 1)
    let wasUp = state == .established
    if wasUp, expected != .established {
      guard case .down? = ends.first else {
        Issue.record("\(row.name) ends a session without saying so")
        return
      }
    }
    // Idle leaves no connection behind, but one that has ended by itself.
    let hadConnection = [.connect, .openSent, .openConfirm, .established].contains(state)
    if expected == .idle, hadConnection {
      if case .connectionFailed = row.event { return }
      #expect(actions.contains(.close))
    }
  }

  @Test(arguments: rows)
  func `nothing but a start moves a session that was stopped`(_ row: Row) {
    var session = SessionTests.session(in: .established)
    _ = session.handle(.stop(Self.cease), at: .zero)
    _ = session.handle(row.event, at: .zero)
    if case .start = row.event {
      #expect(session.state.name == .connect)
    } else {
      #expect(session.state == .idle(until: nil))
    }
  }
}
