//! Random choices that a seed repeats.

/// A small generator of our own (splitmix64), so that a seed means the same story for ever.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// A place in a list of `length`.
    pub fn place(&mut self, length: usize) -> usize {
        let sides = u64::try_from(length).expect("few");
        usize::try_from(self.roll(sides)).expect("few")
    }

    /// One of `from`.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.place(from.len())]
    }
}
