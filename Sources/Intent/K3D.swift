import NetTypes

/// k3d's configuration file: what applies is taken, what does not is named.
enum K3DFile {
  static func parse(_ root: FileFields, _ folder: String) throws(FileProblem) -> UnitFile.Parsed {
    var unit = UnitConfiguration()
    var notices: [String] = []
    let plainName = try root.text("name")
    unit.name = try root.section("metadata")?.text("name") ?? plainName ?? unit.name
    unit.servers = try root.number("servers") ?? unit.servers
    unit.agents = try root.number("agents") ?? 0
    if let subnet = try root.text("subnet") {
      guard let prefix = IPPrefix(subnet) else {
        throw root.problem("subnet", found: "\"\(subnet)\"", expected: "a prefix")
      }
      unit.nodeCIDR = prefix
    }
    for entry in try root.sections("ports") {
      guard let text = try entry.text("port") else { continue }
      if let published = K3D.published(text) {
        unit.publishes.append(published)
      } else {
        notices.append("port \(text): not published; expected HOSTPORT:PORT")
      }
    }
    for entry in try root.sections("volumes") {
      guard let text = try entry.text("volume") else { continue }
      K3D.takeVolume(text, folder, &unit, &notices)
    }
    let taken: Set = [
      "apiVersion", "kind", "metadata", "name", "servers", "agents", "subnet", "ports", "volumes",
    ]
    for name in root.names where !taken.contains(name) { notices.append(K3D.notice(name)) }
    if let options = try root.section("options"), let k3s = try options.section("k3s") {
      for entry in try k3s.sections("extraArgs") {
        if let text = try entry.text("arg") { notices.append(K3D.argumentNotice(text)) }
      }
    }
    return UnitFile.Parsed(configuration: unit, notices: notices)
  }
}

/// What k3d's file and k3d's flags share.
enum K3D {
  /// `8080:80`, `127.0.0.1:8080:80`, with or without `@loadbalancer` and `/tcp`.
  static func published(_ text: String) -> PublishedPort? {
    let ports = text.prefix { $0 != "@" && $0 != "/" }.split(separator: ":")
    guard ports.count >= 2 else { return nil }
    return PublishedPort("\(ports[ports.count - 2]):\(ports[ports.count - 1])@edge")
  }

  /// A volume into the server's manifests folder is a manifest; any other one has no node to go to.
  static func takeVolume(
    _ text: String, _ folder: String, _ unit: inout UnitConfiguration, _ notices: inout [String]
  ) {
    let sides = text.prefix { $0 != "@" }.split(separator: ":").map(String.init)
    guard sides.count >= 2, sides[1].contains("/manifests") else {
      notices.append("volume \(text): not mounted; only files for …/server/manifests apply")
      return
    }
    if sides[1].contains("calico") || sides[0].contains("calico") {
      notices.append("volume \(text): not applied; Calico's part is built in")
      return
    }
    unit.manifests.append(sides[0].hasPrefix("/") ? sides[0] : "\(folder)/\(sides[0])")
  }

  static func notice(_ name: String) -> String {
    switch name {
    case "image": "image: not used; the API server and the nodes are Atoll's own"
    case "registries": "registries: not used; atoll image import brings images without one"
    case "options": "options: of these only k3s arguments are looked at, each named below"
    case "kubeAPI": "kubeAPI: not used; the API server is published on a free loopback port"
    case "network": "network: not used; a unit's networks are inside its own namespaces"
    default: "\(name): does not apply to a unit"
    }
  }

  static func argumentNotice(_ argument: String) -> String {
    if argument.hasPrefix("--disable=") {
      return "\(argument): nothing to disable; no such component runs in a unit"
    }
    if argument.hasPrefix("--tls-san") {
      return "\(argument): not added; the API server's certificate names 127.0.0.1 and its node"
    }
    if argument.hasPrefix("--flannel-backend") {
      return "\(argument): not needed; pod networks are routed by BGP"
    }
    return "\(argument): a k3s argument, does not apply to a unit"
  }
}

/// `atoll cluster create NAME` with the flags that k3d takes.
package enum K3DArguments {
  package struct Mistake: Error, Equatable, CustomStringConvertible {
    package let description: String
  }

  /// - Parameter folder: Relative paths begin there.
  package static func parse(
    _ words: [String], folder: String
  ) throws(Mistake) -> UnitFile.Parsed {
    var unit = UnitConfiguration()
    unit.agents = 0
    var notices: [String] = []
    var names: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-") else {
        names.append(word)
        continue
      }
      let sides = word.split(separator: "=", maxSplits: 1).map(String.init)
      let flag = sides[0]
      if flags.contains(flag) {
        notices.append("\(flag): does not apply to a unit")
        continue
      }
      guard let value = sides.count > 1 ? sides[1] : rest.popFirst() else {
        throw Mistake(description: "\(flag): found nothing, expected a value")
      }
      switch flag {
      case "--servers", "-s": unit.servers = try number(flag, value)
      case "--agents", "-a": unit.agents = try number(flag, value)
      case "--port", "-p":
        guard let published = K3D.published(value) else {
          throw Mistake(description: "\(flag): found \"\(value)\", expected HOSTPORT:PORT")
        }
        unit.publishes.append(published)
      case "--volume", "-v": K3D.takeVolume(value, folder, &unit, &notices)
      case "--image", "-i": notices.append(K3D.notice("image"))
      case "--k3s-server-arg", "--k3s-agent-arg", "--k3s-arg":
        notices.append(K3D.argumentNotice(value))
      default: notices.append("\(flag) \(value): does not apply to a unit")
      }
    }
    if let name = names.first { unit.name = name }
    guard names.count <= 1 else {
      throw Mistake(description: "found names \(names.joined(separator: ", ")), expected one")
    }
    return UnitFile.Parsed(configuration: unit, notices: notices)
  }

  /// Flags without a value.
  private static let flags: Set = ["--no-lb", "--wait", "--no-rollback", "--no-image-volume"]

  private static func number(_ flag: String, _ text: String) throws(Mistake) -> Int {
    guard let value = Int(text) else {
      throw Mistake(description: "\(flag): found \"\(text)\", expected a number")
    }
    return value
  }
}
