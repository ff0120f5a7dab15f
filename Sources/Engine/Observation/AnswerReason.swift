/// Why the engine itself answered a request, or ended it, as logs and metrics name it.
enum AnswerReason: UInt8 {
  case none
  case badRequest, methodNotServed, noRoute, noMember, connectFailed, memberClosed, memberInvalid
  case memberSlow, denied, overRate, unauthenticated, bodyTooLarge, editsTooLarge, slowHead
  case slowContent, byRule, atLimit, waitedTooLong, overTime
  /// The client went before the answer's end.
  case clientLeft
  /// The answer had begun, and the member did not end it.
  case memberCut
  case tooManyPasswords

  var text: StaticString {
    switch self {
    case .none: "none"
    case .badRequest: "bad-request"
    case .methodNotServed: "method-not-served"
    case .noRoute: "no-route"
    case .noMember: "no-member"
    case .connectFailed: "connect-failed"
    case .memberClosed: "member-closed"
    case .memberInvalid: "member-invalid"
    case .memberSlow: "member-slow"
    case .denied: "denied"
    case .overRate: "over-rate"
    case .unauthenticated: "unauthenticated"
    case .bodyTooLarge: "body-too-large"
    case .editsTooLarge: "edits-too-large"
    case .slowHead: "slow-head"
    case .slowContent: "slow-content"
    case .byRule: "rule"
    case .atLimit: "at-limit"
    case .waitedTooLong: "waited-too-long"
    case .overTime: "over-time"
    case .clientLeft: "client-left"
    case .memberCut: "member-cut"
    case .tooManyPasswords: "too-many-passwords"
    }
  }

  init(_ response: OwnResponse) {
    self =
      switch response {
      case .invalid, .unsafePath: .badRequest
      case .connect: .methodNotServed
      case .noRoute: .noRoute
      case .noMember: .noMember
      case .connectFailed: .connectFailed
      case .memberClosed: .memberClosed
      case .memberInvalid: .memberInvalid
      case .memberSlow: .memberSlow
      case .denied: .denied
      case .overRate: .overRate
      case .unauthenticated: .unauthenticated
      case .tooManyPasswords: .tooManyPasswords
      case .bodyTooLarge, .contentTooLarge: .bodyTooLarge
      case .editsTooLarge: .editsTooLarge
      case .slowHead: .slowHead
      case .slowContent: .slowContent
      case .atLimit: .atLimit
      case .waitedTooLong: .waitedTooLong
      case .overTime: .overTime
      }
  }
}
