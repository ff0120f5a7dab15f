import Kubernetes
import Transport
import Wire
import Yams

/// One context of a kubeconfig file: where an API server is, and who to be there.
package struct Kubeconfig: Equatable, Sendable {
  /// Also the name of the user and the context, when written.
  package var cluster: String
  package var server: String
  /// PEM; nil trusts the system's authorities.
  package var certificateAuthority: String?
  package var skipsVerification = false
  /// Verified in place of the server's host.
  package var tlsServerName: String?
  package var client: KeyPair?
  package var token: String?
  package var namespace = "default"

  package init(
    cluster: String, server: String, certificateAuthority: String, clientCertificate: String,
    clientKey: String
  ) {
    self.cluster = cluster
    self.server = server
    self.certificateAuthority = certificateAuthority
    client = KeyPair(certificatePEM: clientCertificate, keyPEM: clientKey)
  }

  /// Reads a file; paths inside are relative to its folder.
  /// - Throws: `KubeconfigError`, which names the file and the field.
  package static func read(
    _ path: String, context: String? = nil
  ) throws(KubeconfigError) -> Kubeconfig {
    let text = try readFile(path)
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    do {
      return try Kubeconfig(parsing: text, context: context) { (file) throws(KubeconfigError) in
        try readFile(file.hasPrefix("/") ? file : folder + file)
      }
    } catch {
      throw KubeconfigError("\(path): \(error)")
    }
  }

  /// Parses YAML or JSON. The context is the named one, else `current-context`, else the only one.
  /// - Parameter readFile: Reads the files that the text refers to.
  package init(
    parsing text: String, context: String? = nil,
    readFile: (String) throws(KubeconfigError) -> String
  ) throws(KubeconfigError) {
    let document = try Self.document(text)
    let contexts = document["contexts"].elements
    guard
      let wanted = context ?? document["current-context"].string.flatMap({ $0.isEmpty ? nil : $0 })
        ?? (contexts.count == 1 ? contexts[0]["name"].string : nil)
    else { throw KubeconfigError("current-context is not set, and there is not just one context") }
    let chosen = try Self.named(wanted, in: document, "contexts")["context"]
    let clusterName = chosen["cluster"].string ?? ""
    let cluster = try Self.named(clusterName, in: document, "clusters")["cluster"]
    guard let server = cluster["server"].string, !server.isEmpty else {
      throw KubeconfigError("clusters[\(clusterName)].cluster.server is missing")
    }
    self.cluster = clusterName
    self.server = server
    if let name = chosen["namespace"].string, !name.isEmpty { namespace = name }
    tlsServerName = cluster["tls-server-name"].string
    skipsVerification = cluster["insecure-skip-tls-verify"].bool ?? false
    certificateAuthority = try Self.data(cluster, "certificate-authority", readFile)
    guard let userName = chosen["user"].string, !userName.isEmpty else { return }
    try readUser(Self.named(userName, in: document, "users")["user"], userName, readFile)
  }

  private mutating func readUser(
    _ user: JSON, _ name: String, _ readFile: (String) throws(KubeconfigError) -> String
  ) throws(KubeconfigError) {
    let certificate = try Self.data(user, "client-certificate", readFile)
    let key = try Self.data(user, "client-key", readFile)
    switch (certificate, key) {
    case (let certificate?, let key?):
      client = KeyPair(certificatePEM: certificate, keyPEM: key)
    case (nil, nil): break
    default:
      throw KubeconfigError(
        "users[\(name)].user: client-certificate and client-key go together, one is missing")
    }
    if let token = user["token"].string, !token.isEmpty {
      self.token = token
    } else if let file = user["tokenFile"].string {
      token = String(try readFile(file).filter { !$0.isWhitespace })
    }
    guard client == nil, token == nil else { return }
    for method in ["exec", "auth-provider", "username"] where !user[method].isNull {
      throw KubeconfigError(
        "users[\(name)].user.\(method): not supported; expected a client certificate or a token")
    }
  }

  private static func named(
    _ name: String, in document: JSON, _ list: String
  ) throws(KubeconfigError) -> JSON {
    guard let found = document[list].elements.first(where: { $0["name"].string == name }) else {
      let known = document[list].elements.compactMap { $0["name"].string }
      throw KubeconfigError(
        "\(list): no entry is named \"\(name)\"; there are: \(known.joined(separator: ", "))")
    }
    return found
  }

  /// The PEM text of `name-data` (base 64), which wins, or of the file `name`.
  private static func data(
    _ json: JSON, _ name: String, _ readFile: (String) throws(KubeconfigError) -> String
  ) throws(KubeconfigError) -> String? {
    if let encoded = json["\(name)-data"].string, !encoded.isEmpty {
      guard let bytes = Base64.decode(encoded),
        let text = String(validating: bytes, as: UTF8.self)
      else { throw KubeconfigError("\(name)-data is not base 64 of a PEM text") }
      return text
    }
    guard let file = json[name].string, !file.isEmpty else { return nil }
    return try readFile(file)
  }

  /// The file's text. Values are JSON strings, which YAML reads as they are.
  package var yaml: String {
    func encoded(_ pem: String) -> String { Base64.encode(Array(pem.utf8)) }
    let name = JSON(cluster).text
    var text = """
      apiVersion: v1
      kind: Config
      current-context: \(name)
      clusters:
      - name: \(name)
        cluster:
          server: \(JSON(server).text)

      """
    if let certificateAuthority {
      text += "    certificate-authority-data: \(encoded(certificateAuthority))\n"
    }
    if skipsVerification { text += "    insecure-skip-tls-verify: true\n" }
    if let tlsServerName { text += "    tls-server-name: \(JSON(tlsServerName).text)\n" }
    text += """
      contexts:
      - name: \(name)
        context:
          cluster: \(name)
          user: \(name)
          namespace: \(JSON(namespace).text)
      users:
      - name: \(name)
        user:

      """
    if let client {
      text += "    client-certificate-data: \(encoded(client.certificatePEM))\n"
      text += "    client-key-data: \(encoded(client.keyPEM))\n"
    }
    if let token { text += "    token: \(JSON(token).text)\n" }
    return text
  }
}

/// What is wrong with a kubeconfig.
package struct KubeconfigError: Error, Equatable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
