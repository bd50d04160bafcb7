import Foundation
import GraftFiles
import Testing

@testable import GraftNative

/// Ops on small inputs against numbers that PyTorch 2.13 gave in float64.
@Suite struct KnownAnswerTests {
  /// The sines of `frequency`, twice `frequency` and so on, scaled and shifted.
  struct Input: Sendable {
    var shape: [Int]
    var frequency = 1.0
    var scale = 1.0
    var shift = 0.0

    func tensor() throws -> TensorData {
      let count = shape.reduce(1, *)
      return try TensorData(
        shape: shape, elements: (1...count).map { sin(Double($0) * frequency) * scale + shift })
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var body: String
    var inputs: [Input]
    /// In row-major order; real and imaginary parts of complex numbers one after the other.
    var expected: [Double]
  }

  @Test(arguments: cases) func agreesWithPyTorch(_ item: Case) throws {
    let result = try NativeText.run("%y.9 = " + item.body, returning: "%y.9", item.inputs.map { try $0.tensor() })[0]
    let numbers = try result.withElements(of: Double.self) { Array($0) }
    #expect(numbers.count == item.expected.count)
    for (own, exact) in zip(numbers, item.expected) {
      #expect(abs(own - exact) <= 1e-10 * max(1, abs(exact)), "\(own) is not \(exact)")
    }
  }

  static let cases: [Case] = resampling + transforms + special + matrices

  private static let resampling: [Case] = [
    Case(
      testDescription: "resize nearest",
      body: "resize(%x0.0) {method = \"nearest\", size = [2, 5]} : f64[1,1,2,5]",
      inputs: [Input(shape: [1, 1, 4, 3])],
      expected: [
        0.8414709848079, 0.8414709848079, 0.90929742682568, 0.90929742682568, 0.14112000805987, 0.65698659871879,
        0.65698659871879, 0.98935824662338, 0.98935824662338, 0.41211848524176,
      ]),
    Case(
      testDescription: "resize nearest_exact",
      body: "resize(%x0.0) {method = \"nearest_exact\", size = [2, 5]} : f64[1,1,2,5]",
      inputs: [Input(shape: [1, 1, 4, 3])],
      expected: [
        -0.75680249530793, -0.75680249530793, -0.95892427466314, -0.27941549819893, -0.27941549819893,
        -0.54402111088937, -0.54402111088937, -0.9999902065507, -0.53657291800043, -0.53657291800043,
      ]),
    Case(
      testDescription: "resize linear",
      body: "resize(%x0.0) {method = \"linear\", size = [2, 5]} : f64[1,1,2,5]",
      inputs: [Input(shape: [1, 1, 4, 3])],
      expected: [
        0.042334244749984, 0.015475177282499, -0.024813423918728, -0.051414016609209, -0.069147745069529,
        0.05648274391471, 0.031763254363361, -0.0053159799636608, -0.039462721813068, -0.062227216379339,
      ]),
    Case(
      testDescription: "resize linear align_corners",
      body: "resize(%x0.0) {align_corners = true, method = \"linear\", size = [2, 5]} : f64[1,1,2,5]",
      inputs: [Input(shape: [1, 1, 4, 3])],
      expected: [
        0.8414709848079, 0.87538420581679, 0.90929742682568, 0.52520871744277, 0.14112000805987, -0.54402111088937,
        -0.77200565872004, -0.9999902065507, -0.76828156227557, -0.53657291800043,
      ]),
    Case(
      testDescription: "resize cubic",
      body: "resize(%x0.0) {method = \"cubic\", size = [2, 5]} : f64[1,1,2,5]",
      inputs: [Input(shape: [1, 1, 4, 3])],
      expected: [
        -0.078951865777486, -0.14099495818266, -0.20746491028934, -0.17093403025288, -0.12692441400696, 0.1901477081267,
        0.19707042668387, 0.17733550640695, 0.069558204876411, -0.014170120968293,
      ]),
    Case(
      testDescription: "resize linear antialias",
      body: "resize(%x0.0) {antialias = true, method = \"linear\", size = [2, 5]} : f64[1,1,2,5]",
      inputs: [Input(shape: [1, 1, 4, 3])],
      expected: [
        0.13014172388838, 0.12611233165366, 0.12006824330157, 0.04779004144845, -0.00039542645363134,
        -0.059700861688524, -0.092438811552835, -0.1415457363493, -0.112570762809, -0.093254113782137,
      ]),
    Case(
      testDescription: "resize cubic antialias",
      body: "resize(%x0.0) {antialias = true, method = \"cubic\", size = [2, 5]} : f64[1,1,2,5]",
      inputs: [Input(shape: [1, 1, 4, 3])],
      expected: [
        0.13816063675584, 0.14180013481191, 0.13298645000445, 0.050265023139614, -0.0036825734192487,
        -0.063873848824212, -0.10202296270088, -0.15360590230824, -0.11982175823221, -0.091454940377929,
      ]),
    Case(
      testDescription: "grid sample linear",
      body: "grid_sample(%x0.0, %x1.1) {method = \"linear\", padding = \"border\"} : f64[1,1,2,2]",
      inputs: [Input(shape: [1, 1, 4, 3]), Input(shape: [1, 2, 2, 2], frequency: 0.7, scale: 1.3)],
      expected: [-0.53657291800043, 0.060183203436482, 0.86290228923096, 0.8414709848079]),
    Case(
      testDescription: "grid sample nearest",
      body: "grid_sample(%x0.0, %x1.1) {method = \"nearest\", padding = \"zeros\"} : f64[1,1,2,2]",
      inputs: [Input(shape: [1, 1, 4, 3]), Input(shape: [1, 2, 2, 2], frequency: 0.7, scale: 1.3)],
      expected: [0, 0, 0, 0]),
    Case(
      testDescription: "grid sample cubic",
      body: "grid_sample(%x0.0, %x1.1) {method = \"cubic\", padding = \"reflection\"} : f64[1,1,2,2]",
      inputs: [Input(shape: [1, 1, 4, 3]), Input(shape: [1, 2, 2, 2], frequency: 0.7, scale: 1.3)],
      expected: [-0.42942296651736, 0.094563986539906, 1.1364048588869, 0.98156501735399]),
  ]

  private static let transforms: [Case] = [
    Case(
      testDescription: "rfft 6",
      body: "rfft(%x0.0) {axes = [0], sizes = [6]} : c128[4]",
      inputs: [Input(shape: [6])],
      expected: [
        -0.10325384847655, 0, 2.3221165777308, -1.9821218850042, 0.17862965848823, -0.076789296752263, 0.1505872848858,
        0,
      ]),
    Case(
      testDescription: "rfft 8",
      body: "rfft(%x0.0) {axes = [0], sizes = [8]} : c128[5]",
      inputs: [Input(shape: [8])],
      expected: [
        1.5430909968656, 0, 3.8756643313014, 0.91004172215129, -0.9155598966339, -0.3973261773113, -0.27487381235932,
        -0.12169145916656, -0.1817843630188, 0,
      ]),
    Case(
      testDescription: "rfft 7",
      body: "rfft(%x0.0) {axes = [0], sizes = [7]} : c128[4]",
      inputs: [Input(shape: [7])],
      expected: [
        0.55373275024224, 0, 3.3946231487475, -0.69495370528049, -0.4521982120635, 0.094503819412501, -0.27414286497749,
        0.022260168416639,
      ]),
    Case(
      testDescription: "rfft 37",
      body: "rfft(%x0.0) {axes = [0], sizes = [37]} : c128[19]",
      inputs: [Input(shape: [37])],
      expected: [
        -0.10706571787834, 0, -0.11932773675497, 0.10343581788583, -0.16093066416267, 0.22554212347126,
        -0.25195384720328, 0.39951044941537, -0.46150210051999, 0.72022728462765, -1.1771914107189, 1.6996970244873,
        11.182759379805, -14.509844776049, 1.3147331743571, -1.5103229120358, 0.8019711895559, -0.80829865460441,
        0.62306869129502, -0.54695099444987, 0.53405841151689, -0.40511839304372, 0.48201437729667, -0.31280344454642,
        0.44873288622325, -0.24570068673881, 0.42631238678616, -0.19307739388869, 0.41080262861186, -0.14940583576458,
        0.4000406091376, -0.11149946570021, 0.39277533033194, -0.077341921394943, 0.38827066178183, -0.045540662026931,
        0.38611211054634, -0.015041296176114,
      ]),
  ]

  private static let special: [Case] = [
    Case(
      testDescription: "lgamma",
      body: "lgamma(%x0.0) : f64[6]",
      inputs: [Input(shape: [6], scale: 2.0, shift: 2.5)],
      expected: [
        2.0262259253899, 2.2059433897998, 0.50184241219461, 0.008006267257918, 0.42632051782377, -0.023742771430481,
      ]),
    Case(
      testDescription: "digamma",
      body: "digamma(%x0.0) : f64[6]",
      inputs: [Input(shape: [6], scale: 2.0, shift: 2.5)],
      expected: [
        1.306745523979, 1.3427068496502, 0.83291114066487, -0.59982023463339, -1.6071534970616, 0.38412566746115,
      ]),
    Case(
      testDescription: "i0e",
      body: "i0e(%x0.0) : f64[6]",
      inputs: [Input(shape: [6], scale: 2.0, shift: 2.5)],
      expected: [
        0.20202316173938, 0.1985591407529, 0.25373540976577, 0.46929632169283, 0.60704266524419, 0.31413346227731,
      ]),
    Case(
      testDescription: "i1e",
      body: "i1e(%x0.0) : f64[6]",
      inputs: [Input(shape: [6], scale: 2.0, shift: 2.5)],
      expected: [
        0.17580166183234, 0.17368863130016, 0.20108594801367, 0.20721701046197, 0.1696096468735, 0.21608378864388,
      ]),
    Case(
      testDescription: "polygamma",
      body: "polygamma(%x0.0) {order = 2} : f64[6]",
      inputs: [Input(shape: [6], scale: 2.0, shift: 2.5)],
      expected: [
        -0.07241962535405, -0.067447335011603, -0.18363978604426, -2.4948192566508, -10.861105131983, -0.43478022884111,
      ]),
    Case(
      testDescription: "erfinv",
      body: "erfinv(%x0.0) : f64[6]",
      inputs: [Input(shape: [6], scale: 0.99)],
      expected: [
        0.97728600241891, 1.163788597867, 0.12445326903703, -0.81210645400357, -1.3819034536345, -0.25027827324938,
      ]),
    Case(
      testDescription: "gammainc",
      body: "gammainc(%x0.0, %x1.1) : f64[6]",
      inputs: [Input(shape: [6], scale: 2.0, shift: 2.5), Input(shape: [6], frequency: 2.0, scale: 3.0, shift: 3.5)],
      expected: [
        0.848487811018, 0.023397808598882, 0.55118399822714, 0.99850155515422, 0.93326867879491, 0.58125065878109,
      ]),
    Case(
      testDescription: "gammaincc",
      body: "gammaincc(%x0.0, %x1.1) : f64[6]",
      inputs: [Input(shape: [6], scale: 2.0, shift: 2.5), Input(shape: [6], frequency: 2.0, scale: 3.0, shift: 3.5)],
      expected: [
        0.151512188982, 0.97660219140112, 0.44881600177286, 0.0014984448457783, 0.066731321205087, 0.41874934121891,
      ]),
    Case(
      testDescription: "zeta",
      body: "zeta(%x0.0, %x1.1) : f64[6]",
      inputs: [Input(shape: [6], scale: 2.0, shift: 3.5), Input(shape: [6], frequency: 2.0, scale: 3.0, shift: 3.5)],
      expected: [
        0.0001571096036573, 0.34987133567551, 0.038671528556143, 0.17365329235806, 1.4052715198763, 0.24499653725682,
      ]),
  ]

  private static let matrices: [Case] = [
    Case(
      testDescription: "solve",
      body: "solve(%x0.0, %x1.1) : f64[3,2]",
      inputs: [Input(shape: [3, 3], shift: 0.5), Input(shape: [3, 2], frequency: 0.3)],
      expected: [
        -0.5699597174326, 0.64764947805808, -0.28842599239556, -1.2746298929355, 2.2875321633734, 2.3274458755994,
      ]),
    Case(
      testDescription: "det",
      body: "det(%x0.0) : f64[]",
      inputs: [Input(shape: [3, 3], shift: 0.5)],
      expected: [-0.2172608617903]),
    Case(
      testDescription: "pinv",
      body: "pinv(%x0.0) : f64[2,3]",
      inputs: [Input(shape: [3, 2], frequency: 0.3)],
      expected: [
        -3.2212089752801, -0.5190446395864, 2.3644369217228, 3.082090825367, 0.8903999375157, -1.6123332654769,
      ]),
    Case(
      testDescription: "matrix_exp",
      body: "matrix_exp(%x0.0) : f64[3,3]",
      inputs: [Input(shape: [3, 3], shift: 0.5)],
      expected: [
        4.7383384982645, 3.8977347498628, 2.5628523393046, -0.2616079532193, 0.60205309178208, 0.18276522381444,
        3.6388214175786, 4.1003220099468, 3.9613268104051,
      ]),
    Case(
      testDescription: "matrix_norm",
      body: "matrix_norm(%x0.0) {order = \"nuc\"} : f64[]",
      inputs: [Input(shape: [3, 3], shift: 0.5)],
      expected: [3.5558017750896]),
    Case(
      testDescription: "quantile",
      body: "quantile(%x0.0, 0.3) {axis = 0} : f64[2]",
      inputs: [Input(shape: [3, 2], frequency: 0.3)],
      expected: [0.58820422844103, 0.78508044093835]),
    Case(
      testDescription: "pdist",
      body: "pdist(%x0.0) {p = 3.0} : f64[3]",
      inputs: [Input(shape: [3, 3], shift: 0.5)],
      expected: [2.202042972828, 0.29886301437381, 2.1933605651092]),
  ]
}
