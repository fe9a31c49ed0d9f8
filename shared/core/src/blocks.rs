//! Networks that operators blocked for a while.

use ipnet::IpNet;

use crate::client_ip::ClientIp;
use crate::timestamp::Timestamp;

/// The most networks that are blocked at once: the list is one item that every environment reads.
pub const MOST: usize = 100;

/// A blocked network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Which.
    pub network: IpNet,
    /// Until when.
    pub until: Timestamp,
}

impl Block {
    /// Its stored text: `<network> <seconds since the epoch>`.
    pub fn encode(&self) -> String {
        format!("{} {}", self.network, self.until.seconds())
    }

    /// `None` for what [`Block::encode`] never makes.
    pub fn decode(text: &str) -> Option<Self> {
        let (network, until) = text.split_once(' ')?;
        Some(Self { network: network.parse().ok()?, until: Timestamp::from_seconds(until.parse().ok()?) })
    }
}

/// Why a network is not blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// There are [`MOST`] already.
    #[error("100 networks are blocked already")]
    Full,
    /// It would block half of the internet.
    #[error("a network must be /8 or smaller (IPv6: /16)")]
    TooWide,
}

/// All blocked networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks(Vec<Block>);

impl FromIterator<Block> for Blocks {
    fn from_iter<T: IntoIterator<Item = Block>>(blocks: T) -> Self {
        Self(blocks.into_iter().take(MOST).collect())
    }
}

impl Blocks {
    /// Whether `ip` is blocked at `now`; an unknown address never is.
    pub fn holds(&self, ip: ClientIp, now: Timestamp) -> bool {
        self.0.iter().any(|block| now < block.until && ip.is_in(&[block.network]))
    }

    /// With `block` until its end, whatever stood for its network; blocks that have ended by `now` are left out.
    ///
    /// # Errors
    /// A network that is too wide, or one too many.
    pub fn with(&self, block: Block, now: Timestamp) -> Result<Self, BlockError> {
        let widest = if block.network.addr().is_ipv4() { 8 } else { 16 };
        if block.network.prefix_len() < widest {
            return Err(BlockError::TooWide);
        }
        let block = Block { network: block.network.trunc(), ..block };
        let mut all = self.without(block.network, now).0;
        if all.len() >= MOST {
            return Err(BlockError::Full);
        }
        all.push(block);
        Ok(Self(all))
    }

    /// Without `network`; blocks that have ended by `now` are left out too.
    #[must_use]
    pub fn without(&self, network: IpNet, now: Timestamp) -> Self {
        let network = network.trunc();
        Self(self.0.iter().filter(|block| block.network != network && now < block.until).copied().collect())
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Block> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn block(network: &str, seconds: i64) -> Block {
        Block { network: network.parse().unwrap(), until: Timestamp::from_seconds(NOON.seconds() + seconds) }
    }

    #[test]
    fn a_block_holds_for_its_network_until_its_end() {
        let blocks = Blocks::default().with(block("198.51.100.7/24", 60), NOON).unwrap();
        let ip = |text: &str| ClientIp::Known(text.parse().unwrap());
        assert!(blocks.holds(ip("198.51.100.9"), NOON) && !blocks.holds(ip("198.51.101.9"), NOON));
        assert!(!blocks.holds(ip("198.51.100.9"), Timestamp::from_seconds(NOON.seconds() + 60)));
        assert!(!blocks.holds(ClientIp::Unknown, NOON));
        assert_eq!(blocks.without("198.51.100.0/24".parse().unwrap(), NOON), Blocks::default());
    }

    #[test]
    fn the_list_is_bounded_and_ended_blocks_make_room() {
        let mut blocks = Blocks::default();
        for n in 0..MOST {
            blocks = blocks.with(block(&format!("10.0.{n}.0/24"), 60), NOON).unwrap();
        }
        assert_eq!(blocks.with(block("192.0.2.0/24", 60), NOON), Err(BlockError::Full));
        assert!(blocks.with(block("10.0.3.0/24", 90), NOON).is_ok(), "again for longer");
        let later = Timestamp::from_seconds(NOON.seconds() + 61);
        assert_eq!(blocks.with(block("192.0.2.0/24", 90), later).unwrap().iter().count(), 1);
    }

    #[test]
    fn half_the_internet_is_not_blocked_by_a_slip() {
        for wide in ["0.0.0.0/0", "128.0.0.0/7", "::/0", "2000::/15"] {
            assert_eq!(Blocks::default().with(block(wide, 60), NOON), Err(BlockError::TooWide), "{wide}");
        }
    }

    #[test]
    fn blocks_round_trip_and_junk_is_none() {
        let one = block("2001:db8::/32", 60);
        assert_eq!(Block::decode(&one.encode()), Some(one));
        for junk in ["", "x 1", "10.0.0.0/8", "10.0.0.0/8 soon"] {
            assert_eq!(Block::decode(junk), None, "{junk}");
        }
    }
}
