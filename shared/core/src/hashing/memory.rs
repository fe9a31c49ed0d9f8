//! Argon2's working memory, kept from one run to the next.
//!
//! A block of so many mebibytes that is asked for and given back with every run leaves holes in the allocator's heap that the next one does not
//! fit into: five of them stayed resident. One is kept instead, wiped after use.

use std::sync::{Mutex, PoisonError};

use argon2::Block;

/// What the last run worked in; empty while one is under way. A second run at the same time takes memory of its own.
static SPARE: Mutex<Vec<Block>> = Mutex::new(Vec::new());

/// The most that is kept, in blocks of a KiB: 32 MiB, more than today's hashes take, less than the largest that is imported.
const MOST_KEPT: usize = 32 * 1_024;

/// Runs `work` in `blocks` KiB of memory and wipes them, also when it panics.
pub(super) fn with<T>(blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    let mut memory = Wiped(std::mem::take(&mut *SPARE.lock().unwrap_or_else(PoisonError::into_inner)), blocks);
    if memory.0.len() < blocks {
        // Nothing is to be copied: the old memory goes before the new one comes.
        drop(std::mem::take(&mut memory.0));
        memory.0.resize(blocks, Block::default());
    }
    work(memory.0.split_at_mut(blocks).0)
}

/// Memory of which so many blocks are used. Dropped, it is wiped and kept for the next run.
struct Wiped(Vec<Block>, usize);

impl Drop for Wiped {
    fn drop(&mut self) {
        let used = self.1.min(self.0.len());
        self.0.split_at_mut(used).0.fill(Block::default());
        // Looked at, as far as the compiler knows: else it could leave the wiping of what is given back out.
        std::hint::black_box(&mut self.0);
        if self.0.len() <= MOST_KEPT {
            let memory = std::mem::take(&mut self.0);
            let other = std::mem::replace(&mut *SPARE.lock().unwrap_or_else(PoisonError::into_inner), memory);
            drop(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_run_leaves_the_next_does_not_find_and_too_much_is_not_kept() {
        // The largest that is kept is what other tests may leave, too: each run only looks at its own.
        for blocks in [8, 4, 16, MOST_KEPT + 1, 8] {
            with(blocks, |memory| {
                assert_eq!(memory.len(), blocks);
                assert!(memory.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)), "{blocks}");
                for block in memory {
                    block.as_mut().fill(7);
                }
            });
        }
        assert!(SPARE.lock().unwrap().len() <= MOST_KEPT);
    }
}
