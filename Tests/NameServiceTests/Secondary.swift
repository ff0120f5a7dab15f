import Glibc
import Linux
import NetTypes
import Testing

/// Another's name server that takes its zone from ours.
enum Secondary: String, CaseIterable, CustomTestStringConvertible {
  case bind = "named"
  case knot = "knotd"
  case nsd = "nsd"

  static let installed = allCases.filter { FileSystem.exists("/usr/sbin/\($0.rawValue)") }

  var testDescription: String { rawValue }

  func command(_ folder: String) -> [String] {
    switch self {
    case .bind: ["/usr/sbin/named", "-g", "-c", "\(folder)/configuration"]
    case .knot: ["/usr/sbin/knotd", "-c", "\(folder)/configuration"]
    case .nsd: ["/usr/sbin/nsd", "-d", "-c", "\(folder)/configuration"]
    }
  }

  func configuration(_ zone: String, _ folder: String, port: UInt16, primary: UInt16) -> String {
    switch self {
    case .bind:
      """
      options {
        listen-on port \(port) { 127.0.0.1; }; listen-on-v6 { none; }; directory "\(folder)";
        pid-file "\(folder)/pid"; session-keyfile "\(folder)/session"; recursion no;
      };
      controls {};
      zone "\(zone)" { type secondary; primaries port \(primary) { 127.0.0.1; }; file "zone"; };
      """
    case .knot:
      """
      server:
        listen: 127.0.0.1@\(port)
        rundir: "\(folder)"
      database:
        storage: "\(folder)"
      remote:
        - id: primary
          address: 127.0.0.1@\(primary)
      acl:
        - id: primary
          address: 127.0.0.1
          action: notify
      zone:
        - domain: \(zone)
          storage: "\(folder)"
          file: zone
          master: primary
          acl: primary
      """
    case .nsd:
      """
      server:
        ip-address: 127.0.0.1@\(port)
        server-count: 1
        username: ""
        zonesdir: "\(folder)"
        database: ""
        pidfile: "\(folder)/pid"
        xfrdfile: "\(folder)/xfrd"
        zonelistfile: "\(folder)/list"
        xfrdir: "\(folder)"
      remote-control:
        control-enable: no
      zone:
        name: \(zone)
        zonefile: zone
        allow-notify: 127.0.0.1 NOKEY
        request-xfr: AXFR 127.0.0.1@\(primary) NOKEY
      """
    }
  }
}
