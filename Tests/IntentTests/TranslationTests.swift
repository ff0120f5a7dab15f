import BGP
import Delivery
import Intent
import Kubernetes
import NetTypes
import Testing

@Suite struct ZebosTests {
  static let article = """
    router bgp 64512
    bgp graceful-restart restart-time 120
    neighbor calico-k8s peer-group
    neighbor calico-k8s remote-as 64512
    neighbor 172.19.0.2 peer-group calico-k8s
    neighbor 172.19.0.3 peer-group calico-k8s
    """

  @Test func `the article's text is printed in the article's form`() throws {
    let configuration = try ZebosConfiguration(parsing: Self.article)
    #expect(
      configuration.runningConfiguration == """
        !
        no service password-encryption
        !
        router bgp 64512
         bgp graceful-restart restart-time 120
         neighbor calico-k8s peer-group
         neighbor calico-k8s remote-as 64512
         neighbor 172.19.0.2 peer-group calico-k8s
         neighbor 172.19.0.3 peer-group calico-k8s
        !
        line con 0
         login
        line vty 0 39
         login
        !
        end

        """)
  }

  @Test func `what is printed reads back as the same configuration`() throws {
    let text =
      Self.article + "\n" + """
        bgp router-id 10.0.0.1
        timers bgp 3 9
        maximum-paths 4
        network 10.1.0.0/16
        neighbor calico-k8s default-originate
        neighbor 192.0.2.1 remote-as 65001
        neighbor 192.0.2.1 ebgp-multihop 2
        neighbor 192.0.2.1 password secret
        """
    let configuration = try ZebosConfiguration(parsing: text)
    let again = try ZebosConfiguration(parsing: configuration.runningConfiguration)
    #expect(again == configuration)
  }

  @Test(arguments: [
    ("neighbor 1.2.3.4 remote-as 0", "an AS number"),
    ("neighbor nobody remote-as 1", "peer group"),
    ("neighbor 1.2.3.4 shutdown", "remote-as"),
    ("network 10.0.0.1/8", "without host bits"),
    ("timers bgp 9 3", "three times"),
    ("bgp graceful-restart restart-time 9999", "4095"),
    ("frobnicate", "router bgp"),
  ])
  func `a statement that cannot be taken changes nothing and says what was expected`(
    statement: String, expected: String
  ) throws {
    var configuration = try ZebosConfiguration(parsing: Self.article)
    let before = configuration
    var context = ZebosConfiguration.Context.router
    let mistake = #expect(throws: ZebosConfiguration.Mistake.self) {
      try configuration.apply(statement, in: &context)
    }
    #expect(mistake?.description.contains(expected) == true, "\(mistake?.description ?? "")")
    #expect(configuration == before)
  }
}

@Suite struct DeliveryTranslationTests {
  private func service(_ name: String, type: String = "ClusterIP") -> Service {
    Service(
      json: [
        "metadata": ["name": JSON(name), "namespace": "default"],
        "spec": ["type": JSON(type), "ports": [["name": "http", "port": 80, "protocol": "TCP"]]],
      ])
  }

  private func slice(_ service: String, _ endpoints: JSON) -> EndpointSlice {
    EndpointSlice(
      json: [
        "metadata": [
          "name": JSON("\(service)-x"), "namespace": "default",
          "labels": ["kubernetes.io/service-name": JSON(service)],
        ],
        "addressType": "IPv4", "endpoints": endpoints,
        "ports": [["name": "http", "port": 8080, "protocol": "TCP"]],
      ])
  }

  private func ingress(_ name: String, _ service: String, path: String = "/") -> Ingress {
    Ingress(
      json: [
        "metadata": ["name": JSON(name), "namespace": "default"],
        "spec": [
          "rules": [
            [
              "host": "a.example",
              "http": [
                "paths": [
                  [
                    "path": JSON(path), "pathType": "Prefix",
                    "backend": ["service": ["name": JSON(service), "port": ["name": "http"]]],
                  ]
                ]
              ],
            ]
          ]
        ],
      ])
  }

  @Test func `an ingress goes to ready endpoints, a missing service to none, and both are there`() {
    var input = DeliveryTranslation.Input(ingressAddress: .v4(IPv4Address(10, 10, 2, 10)))
    input.services = [service("web")]
    input.slices = [
      slice(
        "web",
        [
          ["addresses": ["10.53.0.1"], "conditions": ["ready": true]],
          ["addresses": ["10.53.0.2"], "conditions": ["ready": false, "serving": false]],
        ])
    ]
    input.ingresses = [ingress("good", "web"), ingress("lost", "gone", path: "/lost")]
    let translation = DeliveryTranslation(input)
    let pools = translation.configuration.pools
    #expect(
      pools.first { $0.name == "default/web:http" }?.members.map(\.socketAddress.description) == [
        "10.53.0.1:8080"
      ])
    #expect(translation.configuration.virtualServers.first?.routes.count == 2)
    #expect(translation.problems.map(\.object) == ["ingress default/lost"])
  }

  @Test func `a load balancer has a virtual server at its address; terminating pods serve last`() {
    var input = DeliveryTranslation.Input(ingressAddress: .v4(IPv4Address(10, 10, 2, 10)))
    let balancer = service("lb", type: "LoadBalancer")
    input.services = [balancer]
    input.addresses = [balancer.resourceName: .v4(IPv4Address(10, 10, 2, 11))]
    input.slices = [
      slice(
        "lb",
        [
          [
            "addresses": ["10.53.0.9"],
            "conditions": ["ready": false, "serving": true, "terminating": true],
          ]
        ])
    ]
    let configuration = DeliveryTranslation(input).configuration
    #expect(configuration.virtualServers.map(\.name) == ["default/lb:http"])
    #expect(configuration.virtualServers.map(\.address.description) == ["10.10.2.11"])
    #expect(configuration.pools.first?.members.map(\.address.description) == ["10.53.0.9"])
  }

  @Test func `a load balancer may ask for the kernel by an annotation`() {
    var input = DeliveryTranslation.Input(ingressAddress: .v4(IPv4Address(10, 10, 2, 10)))
    func translate(_ mode: String) -> DeliveryTranslation {
      var balancer = service("lb", type: "LoadBalancer")
      balancer.annotations = ["atoll.dev/mode": mode]
      input.services = [balancer]
      input.addresses = [balancer.resourceName: .v4(IPv4Address(10, 10, 2, 11))]
      return DeliveryTranslation(input)
    }
    #expect(translate("kernel").configuration.virtualServers.map(\.mode) == [.kernel])
    #expect(translate("kernel").configuration.validated().problems == [])
    let wrong = translate("xdp")
    #expect(wrong.configuration.virtualServers.map(\.mode) == [.proxy])
    input.applied = translate("kernel").configuration
    #expect(translate("xdp").configuration.virtualServers.map(\.mode) == [.kernel])
    #expect(
      wrong.problems.map(\.description) == [
        "service default/lb: metadata.annotations[atoll.dev/mode] is xdp, expected proxy or kernel"
      ])
  }

  @Test func `namespaces say by an annotation with which address their pods leave`() {
    func namespace(_ name: String, _ snat: String) -> Namespace {
      Namespace(json: [
        "metadata": ["name": .string(name), "annotations": ["atoll.dev/snat": .string(snat)]]
      ])
    }
    func address(_ last: UInt8) -> IPAddress { .v4(IPv4Address(10, 10, 2, last)) }
    var input = DeliveryTranslation.Input(ingressAddress: address(10))
    input.egressInterface = "eth1"
    input.egressAddresses = address(11)...address(254)
    for (index, name) in ["bad", "none", "other", "pool", "usual"].enumerated() {
      input.podAddresses[name] = [.v4(IPv4Address(10, 42, 0, UInt8(index)))]
    }
    input.namespaces = [
      namespace("pool", "10.10.2.77, 10.10.2.78"), namespace("none", "none"),
      namespace("usual", "automap"), namespace("empty", "10.10.2.80"),
      namespace("bad", "10.10.2.79"),
    ]
    let first = DeliveryTranslation(input)
    #expect(first.problems.isEmpty && first.configuration.validated().problems.isEmpty)
    func lines(_ translation: DeliveryTranslation) -> [String] {
      translation.configuration.egress.map {
        "\($0.name): \($0.sources.map(\.description)) \($0.snat) \($0.addresses.map(\.description))"
      }
    }
    #expect(
      lines(first) == [
        #"namespace bad: ["10.42.0.0/32"] automap ["10.10.2.79"]"#,
        #"namespace none: ["10.42.0.1/32"] none []"#,
        #"namespace pool: ["10.42.0.3/32"] automap ["10.10.2.77", "10.10.2.78"]"#,
        #"automap: ["0.0.0.0/0"] automap []"#,
      ])
    #expect(first.configuration.egress.allSatisfy { $0.interface == "eth1" })
    // What cannot be read leaves what there was, or the default where there was nothing.
    input.applied = first.configuration
    input.namespaces = [namespace("bad", "10.10.3.1"), namespace("other", "10.10.2.300")]
    let second = DeliveryTranslation(input)
    #expect(
      lines(second) == [
        #"namespace bad: ["10.42.0.0/32"] automap ["10.10.2.79"]"#,
        #"automap: ["0.0.0.0/0"] automap []"#,
      ])
    #expect(
      second.problems.map(\.description) == [
        "namespace bad: metadata.annotations[atoll.dev/snat] is 10.10.3.1, expected automap, none, "
          + "or addresses of 10.10.2.11-10.10.2.254",
        "namespace other: metadata.annotations[atoll.dev/snat] is 10.10.2.300, expected automap, "
          + "none, or addresses of 10.10.2.11-10.10.2.254",
      ])
  }
}

@Suite struct FileTests {
  @Test func `k3d's file is taken, and what does not apply is named`() throws {
    let text = """
      apiVersion: k3d.io/v1alpha5
      kind: Simple
      metadata: {name: west}
      servers: 1
      agents: 2
      image: rancher/k3s
      ports:
      - port: 8080:80
        nodeFilters: [loadbalancer]
      volumes:
      - volume: app.yaml:/var/lib/rancher/k3s/server/manifests/app.yaml
      options: {k3s: {extraArgs: [{arg: --disable=traefik}]}}
      """
    let parsed = try UnitFile.parse(text, file: "k3d.yaml", folder: "/f")
    #expect(parsed.configuration.name == "west" && parsed.configuration.agents == 2)
    #expect(parsed.configuration.publishes.map(\.description) == ["8080:80@edge"])
    #expect(parsed.configuration.manifests == ["/f/app.yaml"])
    #expect(parsed.notices.contains { $0.hasPrefix("image:") })
    #expect(parsed.notices.contains { $0.hasPrefix("--disable=traefik:") })
  }

  @Test(arguments: [
    ("kind: [unclosed\n", "f.yaml:2:"), ("a: 1\na: 2\n", "a"), ("a: 1\n---\nb: 2\n", "2 documents"),
    ("kind: Pod\n", "expected atoll.dev/v1alpha1 Unit"),
  ])
  func `a file that cannot be taken is refused with its place`(text: String, expected: String) {
    let problem = #expect(throws: FileProblem.self) {
      try UnitFile.parse(text, file: "f.yaml", folder: "/")
    }
    #expect(problem?.description.contains(expected) == true, "\(problem?.description ?? "")")
  }

  @Test(arguments: [
    ("a: 010", "{\"a\":8}"), ("a: yes", "{\"a\":true}"), ("a: \"yes\"", "{\"a\":\"yes\"}"),
    ("a: 1.5", "{\"a\":1.5}"), ("a: 1.2.3", "{\"a\":\"1.2.3\"}"), ("a: ~", "{\"a\":null}"),
    ("a: 0x10", "{\"a\":16}"), ("a: [1, {b: c}]", "{\"a\":[1,{\"b\":\"c\"}]}"),
  ])
  func `scalars are read as kubectl reads them`(text: String, expected: String) throws {
    #expect(try YAML.documents(text, file: "f").map(\.text) == [expected])
  }
}
