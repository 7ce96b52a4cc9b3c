import MillraceEngine
import Testing

@Suite struct TransactionIDTests {
  @Test func orderGoesTheShorterWayAround() {
    let (early, late) = (TransactionID(100), TransactionID(200))
    #expect(early.precedes(late) && !late.precedes(early) && !early.precedes(early))
    let wrapped = TransactionID(.max - 5)
    #expect(wrapped.precedes(early) && !early.precedes(wrapped))
  }

  @Test func specialOnesComeFirst() {
    for special in [TransactionID.invalid, .bootstrap, .frozen] {
      #expect(!special.isNormal)
      for normal in [TransactionID.firstNormal, TransactionID(1 << 31), TransactionID(.max)] {
        #expect(special.precedes(normal) && !normal.precedes(special))
      }
    }
  }

  @Test func countingSkipsThem() {
    #expect(TransactionID(.max).next == .firstNormal)
    #expect(TransactionID(7).next == TransactionID(8))
  }
}
