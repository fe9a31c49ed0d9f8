//! `palisade block`, `unblock` and `blocks`.

use std::fmt::Write as _;
use std::time::Duration;

use ipnet::IpNet;
use palisade_core::blocks::{Block, Blocks};

use crate::operator::Operator;

/// How often a change that lost against another is made again.
const RETRIES: usize = 3;

pub(crate) async fn block(operator: &Operator, network: IpNet, span: Duration) -> Result<String, String> {
    let (network, now) = (network.trunc(), operator.now());
    let until = now.plus(span);
    change(operator, "block", network, |blocks| blocks.with(Block { network, until }, now).map_err(|error| error.to_string()))
        .await?;
    Ok(format!("{network} is blocked until {until}, everywhere within 30 seconds"))
}

pub(crate) async fn unblock(operator: &Operator, network: IpNet) -> Result<String, String> {
    let (network, now) = (network.trunc(), operator.now());
    change(operator, "unblock", network, |blocks| {
        let is_blocked = blocks.iter().any(|block| block.network == network);
        if is_blocked { Ok(blocks.without(network, now)) } else { Err(format!("{network} is not blocked")) }
    })
    .await?;
    Ok(format!("{network} is not blocked any more, everywhere within 30 seconds"))
}

pub(crate) async fn list(operator: &Operator) -> Result<String, String> {
    let item = operator.counters.blocks().await.map_err(|fault| fault.chain())?;
    let mut text = String::new();
    for block in item.blocks.iter().filter(|block| operator.now() < block.until) {
        let _ = writeln!(text, "{} until {}", block.network, block.until);
    }
    Ok(if text.is_empty() { "nothing is blocked".to_owned() } else { text.trim_end().to_owned() })
}

async fn change(
    operator: &Operator,
    action: &str,
    network: IpNet,
    changed: impl Fn(&Blocks) -> Result<Blocks, String>,
) -> Result<(), String> {
    for _ in 0..RETRIES {
        let item = operator.counters.blocks().await.map_err(|fault| fault.chain())?;
        let write = operator.counters.set_blocks(&item, &changed(&item.blocks)?).map_err(|fault| fault.chain())?;
        if operator.act(action, &network.to_string(), vec![write]).await? {
            return Ok(());
        }
    }
    Err("somebody else changes the list all the time; try again".to_owned())
}
