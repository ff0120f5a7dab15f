import BGP

extension Router {
  /// Paths that neighbours have given us; cheap enough to be asked often.
  package var prefixesReceived: Int { speaker?.prefixesReceived ?? 0 }
}
