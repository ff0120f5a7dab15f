import NetTypes
import Wire

extension Responder {
  /// Writes an answer, and where it is a chain goes on behind its end.
  @inline(__always)
  mutating func write(
    _ place: Int, _ query: Span<UInt8>, _ parsed: Query, _ client: IPAddress,
    _ reply: inout Reply, _ output: inout MutableSpan<UInt8>
  ) {
    let answer = zones.answer(at: place)
    zones.copy(answer, to: parsed.end, &reply, &output)
    let traits = answer.traits
    if traits.contains(.chain), !reply.isTruncated,
      traits.contains(.leavesZone) || !steered.isEmpty
    {
      follow(answer, query, parsed, client, &reply, &output)
    }
  }
}
