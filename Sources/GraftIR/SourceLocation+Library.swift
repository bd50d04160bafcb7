extension SourceLocation {
  /// Whether the file belongs to an installed framework's own layers rather than to a model.
  package var isLibrary: Bool {
    ["/site-packages/torch/", "/dist-packages/torch/", "/site-packages/jax/", "/dist-packages/jax/"]
      .contains { file.contains($0) }
  }
}
