import NetTypes

/// One step of what an HTTP virtual server does with a request.
///
/// Rules are tried in order. One that matches applies its checks and edits; the first that decides
/// (anything but `next`) ends the reading. What no rule decides goes by `routes`, then to the pool.
package struct HTTPRule: Equatable, Sendable {
  /// Shown in errors, logs and statistics.
  package var name: String
  package var match = HTTPMatch()
  package var checks = HTTPChecks()
  package var edits = HTTPEdits()
  package var decision = Decision.next

  package init(name: String, match: HTTPMatch = HTTPMatch(), decision: Decision = .next) {
    self.name = name
    self.match = match
    self.decision = decision
  }

  package enum Decision: Equatable, Sendable {
    /// The rules that follow decide.
    case next
    case pool(String)
    /// By weight, for each request anew.
    case split([Share])
    case redirect(HTTPRedirect)
    case respond(HTTPDirectResponse)
  }

  package struct Share: Equatable, Sendable {
    package var pool: String
    /// 0...1_000_000.
    package var weight: Int

    package init(pool: String, weight: Int) {
      self.pool = pool
      self.weight = weight
    }
  }

  /// The pools that it may send a request to.
  package var pools: [String] {
    switch decision {
    case .pool(let name): [name]
    case .split(let shares): shares.map(\.pool)
    case .next, .redirect, .respond: []
    }
  }
}

/// What a request must be like; a condition that is not given holds. All must hold.
package struct HTTPMatch: Equatable, Sendable {
  /// A name, or `*.` and a name for one or more labels before it.
  package var host: String?
  package var path: Path?
  /// One of them; case-sensitive, RFC 9110 §9.1.
  package var methods: [String] = []
  package var headers: [Field] = []
  package var query: [Field] = []
  /// The client's address is in one of them.
  package var source: [IPPrefix] = []

  package init() {}

  /// Of the normalised path, without the query. RFC 3986 §6.2.2.
  package enum Path: Equatable, Sendable {
    case exact(String)
    /// By whole elements: `/a` matches `/a` and `/a/b`, not `/ab`.
    case prefix(String)
    /// A Perl-compatible regular expression that the whole path matches; its groups are `${1}`, ….
    case regex(String)
  }

  package struct Field: Equatable, Sendable {
    package var name: String
    package var value: Value

    package init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  package enum Value: Equatable, Sendable {
    case exact(String)
    case regex(String)
    case present
    case absent
  }
}

/// What may refuse a request that matches.
package struct HTTPChecks: Equatable, Sendable {
  /// Clients that may; empty: all. Others get 403.
  package var allow: [IPPrefix] = []
  /// Clients that may not, though `allow` has them.
  package var deny: [IPPrefix] = []
  package var authentication: BasicAuthentication?
  /// Bytes of content; a larger one gets 413.
  package var bodyLimit: UInt64?
  package var rateLimit: RateLimit?

  package init() {}
}

/// RFC 7617.
package struct BasicAuthentication: Hashable, Sendable {
  package var realm: String
  /// User to password hash, in the form of crypt(5): `$5$…`, `$6$…`, `$y$…`, `$2b$…`.
  package var users: [String: String]

  package init(realm: String, users: [String: String]) {
    self.realm = realm
    self.users = users
  }
}

/// A token bucket for each key, shared by all threads: requests beyond it get 429.
package struct RateLimit: Equatable, Sendable {
  package enum Key: Equatable, Sendable {
    /// The client's address.
    case client
    /// A request header's first value; requests without it are not limited.
    case header(String)
    /// One bucket for all that matches.
    case route
  }

  package var requests: Int
  package var period: Duration
  /// Requests that may come at once; the bucket's size.
  package var burst: Int
  package var key: Key

  package init(requests: Int, period: Duration, burst: Int? = nil, key: Key = .client) {
    self.requests = requests
    self.period = period
    self.burst = burst ?? requests
    self.key = key
  }
}

/// What changes on the way to the member and back.
package struct HTTPEdits: Equatable, Sendable {
  package var rewrite: HTTPRewrite?
  package var request = FieldEdits()
  package var response = FieldEdits()
  package var cors: CrossOrigin?

  package init() {}

  package var isEmpty: Bool { self == HTTPEdits() }
}

/// What takes the place of a path, or of a part of it: Gateway API's HTTPPathModifier.
package enum PathModifier: Equatable, Sendable {
  /// The whole path; of a rewrite the query stays, unless the template has a `?`.
  case whole(Template)
  /// What `match.path.prefix` matched.
  case prefix(String)
}

package struct HTTPRewrite: Equatable, Sendable {
  package var path: PathModifier?
  package var host: Template?

  package init(path: PathModifier? = nil, host: Template? = nil) {
    self.path = path
    self.host = host
  }
}

/// Removed first, then set, then added.
package struct FieldEdits: Equatable, Sendable {
  package struct Field: Equatable, Sendable {
    package var name: String
    package var value: Template

    package init(_ name: String, _ value: Template) {
      self.name = name
      self.value = value
    }
  }

  package var remove: [String] = []
  /// In place of all fields of that name.
  package var set: [Field] = []
  /// Beside what is there.
  package var add: [Field] = []

  package init() {}

  package var isEmpty: Bool { remove.isEmpty && set.isEmpty && add.isEmpty }
}

package struct HTTPRedirect: Equatable, Sendable {
  /// 301, 302, 303, 307 or 308.
  package var status: Int
  /// Nil: as the request came.
  package var scheme: String?
  package var host: Template?
  package var port: UInt16?
  package var path: PathModifier?

  package init(status: Int = 302) { self.status = status }
}

package struct HTTPDirectResponse: Equatable, Sendable {
  package var status: Int
  package var contentType: String
  package var body: Template

  package init(
    status: Int, contentType: String = "text/plain; charset=utf-8", body: Template = Template()
  ) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }
}

/// Cross-origin resource sharing: the Fetch standard, §3.2.
package struct CrossOrigin: Equatable, Sendable {
  /// `*`, origins as `https://a.example`, or with `*.` before the host.
  package var origins: [String]
  package var methods: [String]
  /// Empty: those that the preflight asks for.
  package var headers: [String] = []
  package var exposed: [String] = []
  package var credentials = false
  package var maxAge: Duration?

  package init(origins: [String], methods: [String] = ["GET", "HEAD", "POST"]) {
    self.origins = origins
    self.methods = methods
  }
}
