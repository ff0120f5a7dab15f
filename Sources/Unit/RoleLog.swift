import Glibc
import Intent
import Linux

/// A role's log, as the supervisor collects it.
@Loop package enum RoleLog {
  package static func print(
    _ role: String, of directory: UnitDirectory, tail: Int?, follow: Bool
  ) async throws {
    let path = directory.log(of: role)
    guard FileSystem.exists(path) else {
      let known = try FileSystem.list(directory.logs).map { $0.replacing(".log", with: "") }
      throw UnitError(
        "log of \"\(role)\": \(directory.unit) has \(known.sorted().joined(separator: ", "))")
    }
    var text = try FileSystem.readText(path)
    var offset = text.utf8.count
    if let tail {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
      text = lines.suffix(max(0, tail)).map { $0 + "\n" }.joined()
    }
    write(text)
    while follow {
      try await Loop.sleep(.milliseconds(200))
      let whole = try FileSystem.readText(path)
      // A shorter file was begun anew.
      if whole.utf8.count < offset { offset = 0 }
      write(String(decoding: Array(whole.utf8.dropFirst(offset)), as: UTF8.self))
      offset = whole.utf8.count
    }
  }

  private static func write(_ text: String) {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
      }
      if count <= 0 { return }
      sent += count
    }
  }
}

/// Runs a user's command inside a role's namespace, in place of this process.
package enum RoleExec {
  package static func replaceProcess(
    role: String, of record: UnitRecord, command: [String]
  ) throws {
    try Preflight.checkRoot()
    let role = try UnitPlan(record.configuration).role(named: role)
    guard NetworkNamespace.exists(named: role.namespace) else {
      throw UnitError("unit \(record.name) is down: `atoll up --name \(record.name)` first")
    }
    try NetworkNamespace.open(named: role.namespace).enter()
    try execute(command)
  }

  /// Inside a client's site, with its resolver, or where the mesh's router is.
  package static func replaceProcess(
    site: String, of record: MeshRecord, command: [String]
  ) throws {
    try Preflight.checkRoot()
    let plan = try MeshPlan(record.configuration)
    let isClient = plan.configuration.clients.contains(site)
    guard isClient || ["wan", "links"].contains(site) else {
      let known = (plan.configuration.clients + ["wan", "links"]).joined(separator: ", ")
      throw UnitError("site \"\(site)\": mesh \(record.name) has \(known)")
    }
    let namespace = plan.namespace(ofClient: site)
    guard NetworkNamespace.exists(named: namespace) else {
      throw UnitError("mesh \(record.name) is down: `atoll up --name \(record.name)` first")
    }
    try NetworkNamespace.open(named: namespace).enter()
    if isClient, FileSystem.exists("/etc/resolv.conf") {
      try Mount.replacePrivately("/etc/resolv.conf", by: plan.resolverPath(ofClient: site))
    }
    try execute(command)
  }

  private static func execute(_ command: [String]) throws {
    var arguments = command.map { strdup($0) } + [nil]
    _ = command[0].withCString { execvp($0, &arguments) }
    let reason = SystemError("exec", command[0])
    for argument in arguments { free(argument) }
    throw UnitError("\(reason)")
  }
}
