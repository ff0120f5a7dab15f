import Kubernetes
import Testing
import Transport

@testable import KubeClient

private func parse(
  _ text: String, context: String? = nil, files: [String: String] = [:]
) throws(KubeconfigError) -> Kubeconfig {
  try Kubeconfig(parsing: text, context: context) { (path) throws(KubeconfigError) in
    guard let text = files[path] else { throw KubeconfigError("\(path): no such file") }
    return text
  }
}

private let twoContexts = """
  apiVersion: v1
  kind: Config
  current-context: west
  clusters:
  - {name: c1, cluster: {server: "https://10.0.0.1:6443", certificate-authority: ca.crt}}
  - name: c2
    cluster:
      server: https://example.com/k8s/c2
      insecure-skip-tls-verify: true
      tls-server-name: api.example.com
  contexts:
  - {name: west, context: {cluster: c1, user: u1, namespace: apps}}
  - {name: east, context: {cluster: c2, user: u2}}
  - {name: broken, context: {cluster: c3, user: u2}}
  - {name: half, context: {cluster: c1, user: u3}}
  - {name: plugin, context: {cluster: c1, user: u4}}
  users:
  - {name: u1, user: {client-certificate-data: Q0VSVA==, client-key: key.pem}}
  - {name: u2, user: {token: "true"}}
  - {name: u3, user: {client-key-data: S0VZ}}
  - {name: u4, user: {exec: {command: aws}}}
  """

struct KubeconfigTests {
  @Test func `the current context is used, with inline data and files`() throws {
    let config = try parse(twoContexts, files: ["ca.crt": "CA", "key.pem": "KEY"])
    #expect(config.server == "https://10.0.0.1:6443")
    #expect(config.certificateAuthority == "CA")
    #expect(config.client?.certificatePEM == "CERT")
    #expect(config.client?.keyPEM == "KEY")
    #expect(config.namespace == "apps")
  }

  @Test func `another context is used when named`() throws {
    let config = try parse(twoContexts, context: "east")
    #expect(config.server == "https://example.com/k8s/c2")
    #expect(config.skipsVerification)
    #expect(config.tlsServerName == "api.example.com")
    #expect(config.token == "true")
    #expect(config.client == nil)
  }

  @Test(arguments: [
    ("nowhere", "contexts: no entry is named \"nowhere\"; there are: west, east"),
    ("broken", "clusters: no entry is named \"c3\""),
    ("half", "client-certificate and client-key go together"),
    ("plugin", "users[u4].user.exec: not supported"),
    ("west", "ca.crt: no such file"),
  ])
  func `what is wrong is named`(context: String, expected: String) {
    #expect {
      try parse(twoContexts, context: context, files: context == "west" ? [:] : ["ca.crt": "CA"])
    } throws: { "\($0)".contains(expected) }
  }

  @Test(arguments: ["", "a: [", "- 1", "clusters: {}"])
  func `what is no kubeconfig is an error`(text: String) {
    #expect(throws: KubeconfigError.self) { try parse(text) }
  }

  @Test func `what is written is read back`() throws {
    let config = Kubeconfig(
      cluster: "atoll-cpaas1", server: "https://127.0.0.1:6443", certificateAuthority: "CA\n",
      clientCertificate: "CERT\n", clientKey: "KEY\n")
    #expect(try parse(config.yaml) == config)
  }

  @Test func `JSON is read as well`() throws {
    let text = """
      {"clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:8001"}}],
       "contexts": [{"name": "a", "context": {"cluster": "a", "user": ""}}]}
      """
    #expect(try parse(text).server == "http://127.0.0.1:8001")
  }

  @Test(arguments: [
    (GroupResource.nodes, "", "a" as String?, "/api/v1/nodes/a"),
    (.services, "web", "a b", "/api/v1/namespaces/web/services/a%20b"),
    (.ingresses, "web", nil, "/apis/networking.k8s.io/v1/namespaces/web/ingresses"),
    (.blockAffinities, "", nil, "/apis/crd.projectcalico.org/v1/blockaffinities"),
  ])
  func `resources have their paths`(
    resource: GroupResource, namespace: String, name: String?, path: String
  ) async throws {
    #expect(try await KubeClient.path(resource, namespace: namespace, name: name) == path)
  }
}
