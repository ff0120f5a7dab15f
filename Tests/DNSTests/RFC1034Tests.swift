import DNS
import NetTypes
import Testing

/// The examples of RFC 1034 §6, asked of C.ISI.EDU: it has the zones of §6.1.
@Suite struct RFC1034Tests {
  static let root = ZoneFile.parse(
    """
    $ORIGIN .
    .       IN      SOA     SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. (
                            870611          ;serial
                            1800            ;refresh every 30 min
                            300             ;retry every 5 min
                            604800          ;expire after a week
                            86400)          ;minimum of a day
                    NS      A.ISI.EDU.
                    NS      C.ISI.EDU.
                    NS      SRI-NIC.ARPA.

    MIL.    86400   NS      SRI-NIC.ARPA.
            86400   NS      A.ISI.EDU.

    EDU.    86400   NS      SRI-NIC.ARPA.
            86400   NS      C.ISI.EDU.

    SRI-NIC.ARPA.   A       26.0.0.73
                    A       10.0.0.51
                    MX      0 SRI-NIC.ARPA.
                    HINFO   DEC-2060 TOPS20

    ACC.ARPA.       A       26.6.0.65
                    HINFO   PDP-11/70 UNIX
                    MX      10 ACC.ARPA.

    USC-ISIC.ARPA.  CNAME   C.ISI.EDU.

    73.0.0.26.IN-ADDR.ARPA.  PTR    SRI-NIC.ARPA.
    65.0.6.26.IN-ADDR.ARPA.  PTR    ACC.ARPA.
    51.0.0.10.IN-ADDR.ARPA.  PTR    SRI-NIC.ARPA.
    52.0.0.10.IN-ADDR.ARPA.  PTR    C.ISI.EDU.
    103.0.3.26.IN-ADDR.ARPA. PTR    A.ISI.EDU.

    A.ISI.EDU. 86400 A      26.3.0.103
    C.ISI.EDU. 86400 A      10.0.0.52
    """, origin: .root)
  static let edu = ZoneFile.parse(
    """
    $ORIGIN EDU.
    EDU.  IN SOA  SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. ( 870729 1800 300 604800 86400 )
                  NS      SRI-NIC.ARPA.
                  NS      C.ISI.EDU.

    UCI 172800 NS ICS.UCI
        172800 NS ROME.UCI
    ICS.UCI  172800 A 192.5.19.1
    ROME.UCI 172800 A 192.5.19.31

    ISI 172800 NS VAXA.ISI
        172800 NS A.ISI
        172800 NS VENERA.ISI.EDU.
    VAXA.ISI 172800 A 10.2.0.27
             172800 A 128.9.0.33
    VENERA.ISI.EDU. 172800 A 10.1.0.52
                    172800 A 128.9.0.32
    A.ISI.EDU. 172800 A 26.3.0.103
    """, origin: name("EDU"))

  let server: Server

  init() {
    #expect(Self.root.problems.isEmpty && Self.edu.problems.isEmpty)
    server = Server([Self.root.zone, Self.edu.zone])
  }

  @Test func `section 6_2_1: SRI-NIC_ARPA, A`() throws {
    let answer = try server.ask("SRI-NIC.ARPA", .a)
    #expect(answer.isAuthoritative)
    #expect(
      answer.answers.lines == [
        "SRI-NIC.ARPA. 86400 A 26.0.0.73", "SRI-NIC.ARPA. 86400 A 10.0.0.51",
      ])
  }

  @Test func `section 6_2_2: SRI-NIC_ARPA, all; its HINFO is what RFC 8482 leaves`() throws {
    #expect(
      try server.ask("SRI-NIC.ARPA", .any).answers.lines == [
        "SRI-NIC.ARPA. 86400 HINFO \"DEC-2060\" \"TOPS20\""
      ])
  }

  @Test func `section 6_2_3: SRI-NIC_ARPA, MX`() throws {
    let answer = try server.ask("SRI-NIC.ARPA", .mx)
    #expect(answer.answers.lines == ["SRI-NIC.ARPA. 86400 MX 0 SRI-NIC.ARPA."])
    #expect(
      answer.additional.lines == [
        "SRI-NIC.ARPA. 86400 A 26.0.0.73", "SRI-NIC.ARPA. 86400 A 10.0.0.51",
      ])
  }

  static let soa =
    ". 86400 SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. 870611 1800 300 604800 86400"

  @Test func `section 6_2_4: SRI-NIC_ARPA, NS; with the SOA that RFC 2308 wants`() throws {
    let answer = try server.ask("SRI-NIC.ARPA", .ns)
    #expect(answer.isAuthoritative && answer.responseCode == .noError && answer.answers.isEmpty)
    #expect(answer.authority.lines == [Self.soa])
  }

  @Test func `section 6_2_5: SIR-NIC_ARPA, A`() throws {
    let answer = try server.ask("SIR-NIC.ARPA", .a)
    #expect(answer.isAuthoritative && answer.responseCode == .nameError)
    #expect(answer.authority.lines == [Self.soa])
  }

  @Test func `section 6_2_6: BRL_MIL, A`() throws {
    let answer = try server.ask("BRL.MIL", .a)
    #expect(!answer.isAuthoritative && answer.answers.isEmpty)
    #expect(answer.authority.lines == ["MIL. 86400 NS SRI-NIC.ARPA.", "MIL. 86400 NS A.ISI.EDU."])
    #expect(
      answer.additional.lines == [
        "SRI-NIC.ARPA. 86400 A 26.0.0.73", "SRI-NIC.ARPA. 86400 A 10.0.0.51",
        "A.ISI.EDU. 86400 A 26.3.0.103",
      ])
  }

  @Test func `section 6_2_7: USC-ISIC_ARPA, A; glue is no answer, RFC 2181 section 5_4_1`()
    throws
  {
    let answer = try server.ask("USC-ISIC.ARPA", .a)
    #expect(answer.isAuthoritative && answer.responseCode == .noError)
    #expect(answer.answers.lines == ["USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU."])
  }

  @Test func `section 6_2_8: USC-ISIC_ARPA, CNAME`() throws {
    let answer = try server.ask("USC-ISIC.ARPA", .cname)
    #expect(answer.answers.lines == ["USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU."])
  }

  @Test
  mutating func `section 6_3: names of EDU are the child zone's, names of ISI_EDU are referred`()
    throws
  {
    #expect(try server.ask("EDU", .soa).isAuthoritative)
    let referral = try server.ask("ISI.EDU", .mx)
    #expect(referral.authority.count == 3 && referral.additional.count == 5)
    #expect(!referral.isAuthoritative)
  }
}
