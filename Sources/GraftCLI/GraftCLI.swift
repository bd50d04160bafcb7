@main struct GraftCLI {
  static func main() {}
}
