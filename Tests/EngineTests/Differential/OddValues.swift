/// Values that were used in attacks, or that parsers have differed about.
enum Odd {
  static let methods = [
    "get", "", "G ET", "GE\0T", "G(T", "PATCH", "PRI", "CONNECT", "TRACE", "\u{7f}GET", "\tGET",
    "OPTIONS", "GET\u{b}", "G:T", "\r\nGET", "\r\n\r\nGET", "\nGET", "\rGET", " GET",
    String(repeating: "M", count: 40),
  ]
  static let targets = [
    "*", "", "http://h/x", "http://other/x", "HTTPS://h", "http://h?x", "http://user@h/x",
    "http:///x", "//h/x", "/a b", "/a\tb", "/a#f", "/%00", "/%zz", "/%", "/a/../../b", "/a/./b//c",
    "/\u{e9}", "/\0", "h:80", "/a\\b", "ftp://h/", "http://h:99999/x", "http://[::1]/x",
    "/%2e%2e/x",
    "/;a=b", "?x", "x", "http:/x", "/a\rb", "/a\nb", "/x HTTP/1.1 HTTP/1.1", "/%2f..%2fx", "/..",
    "/<>\"{}|^`",
  ]
  static let versions = [
    "HTTP/1.0", "HTTP/1.2", "HTTP/1.9", "HTTP/1.10", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1,1",
    "HTTP/1.1 ", "HTTP/ 1.1", "", "HTTP/11", "HTTP/1.1x", "HTTP/01.1", "HTTP/1.", "HTTP /1.1",
    "HTTP/1.1\0", "ICY/1.1", "HTTP/1.1\t", "RTSP/1.0",
  ]
  static let gaps = ["  ", "\t", "", "\u{b}", "\r", " \t", "\u{c}", "\0", "\u{a0}", "\u{85}", "\n"]
  static let names = [
    " X", "X Y", "\tX", "X\0", "X\u{7f}", "X(", "", "X\u{e9}", "X_Y", "X\r", "X\n", "X\u{b}", "@",
    "X/",
    "\u{fe}X", "Content-Length\0", "Transfer-Encoding\u{b}", "Content_Length", "Transfer_Encoding",
  ]
  static let colons = [
    " : ", " :", "\t:", ":", ":\t", ":  ", "", "::", "\0:", "\r:", "\n:", ": \t ", ":\u{b}",
    ":\r\n",
    ":\0",
  ]
  static let values = [
    "a\0b", "a\u{1}b", "a\u{7f}b", "a\tb", "\u{e9}", "a\rb", "a\nb", "a\r\rb", "", " ", "\u{b}",
    "a\u{c}",
    "a\r\n\r\nb", "a\rTransfer-Encoding: chunked", "a\nContent-Length: 5", "\"a\r\nb\"",
  ]
  static let lineEnds = ["\n", "\r", "\r\r\n", "\n\r", " \r\n", "\0\r\n", "\n\n", "\u{b}\r\n", ""]

  static func lengths(_ size: Int) -> [String] {
    [
      "+\(size)", "-\(size)", "0x\(size)", "\(size),\(size)", "\(size), \(size)", "\(size) \(size)",
      "00\(size)", "  \(size)  ", "\(size).0", "\(size)\0", "\(size);", "", "1e1", "\(size)\u{b}",
      "99999999999999999999", "18446744073709551621", "\t\(size)", "\(size)\t", "\(size)\r",
      "'\(size)'",
      "\u{b}\(size)", "0", "\(size + 1)", "\(max(0, size - 1))", "\(size + 40)", "4294967301", "5,",
      "_5",
    ]
  }

  static let codings = [
    "chunked", "Chunked", "CHUNKED", "chunked ", "\tchunked", "  chunked", "xchunked",
    "chunked, identity", "identity", "identity, chunked", "gzip, chunked", "chunked, chunked",
    ",chunked", "chunked,", "chunked;q=1", "\"chunked\"", "chunk", "\u{b}chunked", "chunked\u{b}",
    "chunked\0", "", "cow", "chunked\u{a0}", "\rchunked", "\nchunked", "chunked\r",
    "chu\u{212a}ked",
    "chunked\t", "x", "gzip", "deflate", ", ",
  ]

  static func sizes(_ size: String) -> [String] {
    [
      "0x\(size)", "+\(size)", " \(size)", "\(size) ", "-\(size)", "\(size)h", "00000\(size)",
      "000000000000000000000\(size)", "FFFFFFFFFFFFFFF\(size)", "1000000000000000\(size)",
      "\(size)\n",
      "\(size)\r", "\n\(size)", "\(size)\t", "g", "", "\(size).0", "\(size)\0", "\(size)_",
      "\u{b}\(size)",
      "0", "1", "fff", "\(size),\(size)",
    ]
  }

  static let extensions = [
    ";", ";a", ";a=b", ";a=\"b\"", ";a=\"b;c\"", " ;a", " ; a = b", ";a\rb", ";a\nb", ";\n", ";\r",
    ";\0",
    ";" + String(repeating: "x", count: 2000), ";a=\"\r\n", ";\u{7f}", ";\u{e9}", "\t;x", " x",
    ";;", "=a",
    ";a\n0\r\n\r\n" + smuggled,
  ]
  static let chunkEnds = ["", "\n", "\r", "XX", "\r\n\r\n", "\rX", "\n\n", "X\r\n", "\r\r\n", "  "]
  static let trailers = [
    "X: y\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: evil\r\n",
    " folded\r\n",
    "X : y\r\n", "X\r\n", "X: y\n", "\0: x\r\n", "X: y\r\n folded\r\n", ": y\r\n", "X: a\rb\r\n",
    "X:\0\r\n",
    "X: " + String(repeating: "x", count: 9000) + "\r\n", "Connection: close\r\n", "\n", "\r",
    "X: y\r\nZ: \r\n",
  ]
  static let hosts: [[(String, String)]] = [
    [], [("Host", "")], [("Host", "h"), ("Host", "h")], [("Host", "h"), ("Host", "other")],
    [("Host", "h"), ("host", "other")], [("Host", "h, other")], [("Host", "h other")],
    [("Host", "h/x")],
    [("Host", "user@h")], [("Host", "h:80")], [("Host", "h:x")], [("Host", "[::1]:80")],
    [("Host", "[::1")],
    [("Host", "h\0")], [("Host", "h\tother")], [("Host", "h#x")], [("Host", "h?x")],
    [("Host", "H.Example")],
    [("Host", "\u{e9}")], [("Host ", "h")], [(" Host", "h")], [("Host", "h\\x")], [("Host", "h.")],
    [("Host", "-")], [("Host", ":")], [("Host", "h:80:90")], [("Host", "%41")], [("Host", "h\r")],
  ]
  static let connections = [
    ("Connection", "close"), ("Connection", "keep-alive"), ("Connection", "Host"),
    ("Connection", "Content-Length"), ("Connection", "Transfer-Encoding"),
    ("Connection", "close, X-Plain"),
    ("Connection", "upgrade"), ("Upgrade", "h2c"), ("Expect", "100-continue"), ("Expect", "x"),
    ("Expect", "100-continue, x"), ("TE", "trailers"), ("TE", "chunked"),
    ("Trailer", "Content-Length"),
    ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"),
    ("HTTP2-Settings", "AAMAAABkAAQ"),
    ("Connection", "\0"), ("Connection", ",,"), ("Connection", "close\u{b}"), ("Max-Forwards", "0"),
    ("Content-Encoding", "gzip"), ("X-HTTP-Method-Override", "DELETE"),
  ]
  static let tails = [
    smuggled, "\r\n" + smuggled, "\r\n\r\n" + smuggled, "\n" + smuggled, "\r" + smuggled,
    " " + smuggled,
    "x", "\0", "0\r\n\r\n" + smuggled, "GET /second HTTP/1.1\r\n\r\n",
    "GET /second HTTP/1.0\r\n\r\n" + smuggled,
    "GET /second HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + smuggled,
    "POST /second HTTP/1.1\r\nHost: h\r\nContent-Length: 36\r\n\r\n" + smuggled,
    "GET /second HTTP/1.1\nHost: h\n\n", "GET /second\r\n", "HTTP/1.1 200 OK\r\n\r\n",
    "GET /second HTTP/1.1\r\nHost: h\r\nX: ", String(repeating: smuggled, count: 20),
  ]
}
