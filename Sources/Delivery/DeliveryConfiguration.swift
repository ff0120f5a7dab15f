import NetTypes

/// Everything that is to be delivered: the desired state, compared and applied object by object.
package struct DeliveryConfiguration: Equatable, Sendable {
  package var virtualServers: [VirtualServer]
  package var pools: [Pool]
  /// The first whose sources match counts.
  package var egress: [Egress]

  package init(virtualServers: [VirtualServer] = [], pools: [Pool] = [], egress: [Egress] = []) {
    self.virtualServers = virtualServers
    self.pools = pools
    self.egress = egress
  }
}

/// An address and port that clients connect to, and where their traffic goes.
package struct VirtualServer: Equatable, Sendable {
  package enum TransportProtocol: String, Sendable, CaseIterable {
    case tcp, udp, http
    /// TLS ended here, HTTP behind.
    case https
    /// TLS forwarded unopened, chosen by server name.
    case tlsPassthrough = "tls-passthrough"
  }

  /// Unique; shown in errors and statistics.
  package var name: String
  package var address: IPAddress
  package var port: UInt16
  package var `protocol`: TransportProtocol
  package var mode = Mode.proxy
  /// Of mode `kernel`; nil: `automap`.
  package var snat: SourceTranslation?
  /// The pool for what no route matches; of `tcp` and `udp`, for everything.
  package var pool: String?
  /// HTTP only; in order, before `routes`.
  package var rules: [HTTPRule] = []
  /// HTTP; of `tlsPassthrough`, by host alone.
  package var routes: [HTTPRoute]
  package var timeouts: Timeouts
  /// Client connections at a time; 0: as many as the machine has room for.
  package var connectionLimit = 0
  /// HTTP only.
  package var compression: Compression?
  /// Clients come through a proxy that says first whose connection it is (v1 or v2): those that do
  /// not are dropped.
  package var acceptsProxyProtocol = false
  /// Of `https`, and of `tcp` that ends TLS.
  package var tls: ServerTLS?
  package var accessLog: AccessLog?
  /// `http`: clients may begin with HTTP/2 without asking (RFC 9113 §3.3). `https`: by ALPN.
  package var http2: Bool?

  package init(
    name: String, address: IPAddress, port: UInt16, protocol: TransportProtocol,
    pool: String? = nil, routes: [HTTPRoute] = [], timeouts: Timeouts = Timeouts()
  ) {
    self.name = name
    self.address = address
    self.port = port
    self.protocol = `protocol`
    self.pool = pool
    self.routes = routes
    self.timeouts = timeouts
  }

  package struct Timeouts: Equatable, Sendable {
    /// To establish a connection to a member.
    package var connect = Duration.seconds(1)
    /// From the first byte of a request's head to its last.
    package var header = Duration.seconds(10)
    /// From the request sent to the first byte of its response.
    package var firstByte = Duration.seconds(30)
    /// From a request's head to the last byte of its response; nil: for ever. HTTP only.
    package var total: Duration?
    /// Without a byte in either direction. Nil is the protocol's own: HTTP 60 s, TCP 300 s, UDP 30 s.
    package var idle: Duration?

    package init() {}
  }

  /// `timeouts.idle`, or the protocol's own.
  package var idleTimeout: Duration {
    switch `protocol` {
    case .http, .https: timeouts.idle ?? .seconds(60)
    case .tcp, .tlsPassthrough: timeouts.idle ?? .seconds(300)
    case .udp: timeouts.idle ?? .seconds(30)
    }
  }
}

/// One rule of an HTTP virtual server. Order is of no importance; `RouteTable` says which wins.
package struct HTTPRoute: Equatable, Sendable {
  /// A name, `*.` and a name for exactly one more label, or nil for any host.
  package var host: String?
  package var path: PathMatch
  package var pool: String

  package init(host: String? = nil, path: PathMatch = .prefix("/"), pool: String) {
    self.host = host
    self.path = path
    self.pool = pool
  }

  /// Ingress path types.
  package enum PathMatch: Hashable, Sendable {
    case exact(String)
    /// By whole elements: `/a` matches `/a` and `/a/b`, not `/ab`.
    case prefix(String)
    /// As `prefix`.
    case implementationSpecific(String)

    package var path: String {
      switch self {
      case .exact(let path), .prefix(let path), .implementationSpecific(let path): path
      }
    }
  }
}

/// Members that share one kind of traffic.
package struct Pool: Equatable, Sendable {
  package enum LoadBalancing: String, Sendable, CaseIterable {
    case roundRobin = "round-robin"
    /// Round robin in proportion to the members' weights.
    case ratio
    case leastConnections = "least-connections"
    /// The less loaded of two drawn at random.
    case powerOfTwo = "power-of-two"
    /// By the moving average of first-byte times and the requests in flight.
    case fastest
    /// The same member for the same key: `hash`.
    case consistentHash = "consistent-hash"
  }

  package enum ServiceDown: String, Sendable, CaseIterable {
    /// They go on until they end by themselves.
    case none
    /// Both sides are reset.
    case reset
    /// Requests that may be sent again, and flows of datagrams, go to another member; other
    /// connections are reset.
    case reselect
    /// They are forgotten without a word.
    case drop
  }

  /// What of a request or connection is hashed.
  package enum HashKey: Hashable, Sendable {
    /// The client's address.
    case source
    /// The path, without the query. HTTP only.
    case path
    /// A request header's first value. HTTP only.
    case header(String)
    /// A cookie's value. HTTP only.
    case cookie(String)
    /// The server name of TLS, ended here or passed through.
    case serverName
  }

  /// Unique; what virtual servers and routes refer to.
  package var name: String
  package var loadBalancing: LoadBalancing
  package var members: [Member]
  package var monitor: Monitor
  /// Of `consistentHash`; what has no such key goes in turn.
  package var hash = HashKey.source
  package var persistence: Persistence?
  /// While fewer members of the highest priority are available, those of the next are used too.
  package var minimumActive = 1
  /// Members are told whose connection it is. HTTP connections are then not used for others.
  package var proxyProtocol: ProxyProtocol.Version?
  /// Requests that wait while all members have as many as they may; 0: none does. HTTP only.
  package var queueLength = 0
  /// How long they wait.
  package var queueTimeout = Duration.seconds(1)
  /// Retries, in hundredths of the requests. HTTP only.
  package var retryBudget = 20
  /// What becomes of connections to a member that goes down.
  package var serviceDown = ServiceDown.none
  /// Failures in a row of requests (5xx, or no answer in time) that take a member out; nil: however
  /// many.
  package var ejectAfter: Int?
  /// How long a member that comes up takes to get its whole share; zero: at once.
  package var slowRamp = Duration.zero
  /// Members speak TLS.
  package var tls: PoolTLS?
  package var `protocol` = MemberProtocol.http1

  /// What members of HTTP virtual servers speak.
  package enum MemberProtocol: String, Sendable, CaseIterable {
    case http1 = "http/1.1"
    case http2 = "h2"
  }

  package init(
    name: String, loadBalancing: LoadBalancing = .roundRobin, members: [Member] = [],
    monitor: Monitor = .none
  ) {
    self.name = name
    self.loadBalancing = loadBalancing
    self.members = members
    self.monitor = monitor
  }
}

package struct Member: Equatable, Sendable {
  package enum State: String, Sendable, CaseIterable {
    case enabled
    /// Keeps the connections it has, and gets no new ones.
    case draining
    case disabled
  }

  package var address: IPAddress
  package var port: UInt16
  /// 1...256; `roundRobin` does not look at it.
  package var weight: Int
  /// -1000...1000; higher ones are used first.
  package var priority = 0
  package var state: State
  /// Connections in use, and so requests in flight, at a time; 0: without limit.
  package var connectionLimit = 0
  /// In place of the pool's.
  package var monitor: Monitor?
  /// What the member is called where it comes from, as `pod default/web-1`.
  package var label: String

  package init(
    address: IPAddress, port: UInt16, weight: Int = 1, state: State = .enabled, label: String = ""
  ) {
    self.address = address
    self.port = port
    self.weight = weight
    self.state = state
    self.label = label
  }

  package var socketAddress: SocketAddress { SocketAddress(address, port: port) }
}
