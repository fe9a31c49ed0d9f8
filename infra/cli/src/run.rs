//! From a command to what is printed.

use palisade_core::Status;

use crate::accounts::{self, New};
use crate::arguments::{AccountCommand, Command};
use crate::operator::Operator;
use crate::table::Table;
use crate::{blocks, explain, replay, why};

/// What `command` prints, where it needs no deployment; the command itself where it does.
///
/// # Errors
/// Why it was not carried out, for whoever typed it.
pub fn without_a_deployment(command: Command) -> Result<Result<String, String>, Command> {
    match command {
        Command::Explain { id, log, log_group } => Ok(explain::explain(&id, log.as_deref(), log_group.as_deref())),
        Command::Replay { log, policy, plot } => Ok(replay::replay(&log, &policy, plot.as_deref())),
        Command::Scenario { scenario, to, policy, size, seed } => Ok(replay::make(scenario, policy.as_deref(), size, seed, &to)),
        other => Err(other),
    }
}

/// Carries `command` out on the deployment of `operator`, and returns what to print.
///
/// # Errors
/// Why it was not carried out, for whoever typed it.
pub async fn on_a_deployment(command: Command, operator: &Operator) -> Result<String, String> {
    match command {
        Command::Block { network, span } => blocks::block(operator, network, span).await,
        Command::Unblock { network } => blocks::unblock(operator, network).await,
        Command::Blocks => blocks::list(operator).await,
        Command::Why { identifier, ip } => why::why(operator, &identifier, ip).await,
        Command::Unlock { identifier } => accounts::unlock(operator, &identifier).await,
        Command::Revoke { identifier, devices } => accounts::revoke(operator, &identifier, devices).await,
        Command::Account { command } => account(command, operator).await,
        Command::Actions => actions(operator).await,
        Command::ImportDjango { .. } | Command::Explain { .. } | Command::Replay { .. } | Command::Scenario { .. } => {
            Err("this command is carried out elsewhere".to_owned())
        }
    }
}

async fn account(command: AccountCommand, operator: &Operator) -> Result<String, String> {
    match command {
        AccountCommand::Create { identifier, email, role, time_zone } => {
            accounts::create(operator, New { identifier, email, role: role.into(), time_zone }).await
        }
        AccountCommand::Role { identifier, role } => accounts::role(operator, &identifier, role.into()).await,
        AccountCommand::Disable { identifier } => accounts::status(operator, &identifier, Status::Disabled).await,
        AccountCommand::Enable { identifier } => accounts::status(operator, &identifier, Status::Active).await,
        AccountCommand::TimeZone { identifier, zone } => accounts::time_zone(operator, &identifier, &zone).await,
        AccountCommand::Delete { identifier, account_id } => accounts::delete(operator, &identifier, &account_id).await,
        AccountCommand::Export { identifier } => accounts::export(operator, &identifier).await,
    }
}

async fn actions(operator: &Operator) -> Result<String, String> {
    let actions = operator.counters.actions().await.map_err(|fault| fault.chain())?;
    // The operator's name is that machine's word: it goes into a cell, where it cannot make up lines.
    let mut table = Table::new(["at", "operator", "action", "subject"]);
    for action in actions {
        table.row([action.at.to_string(), action.operator, action.action, action.subject]);
    }
    Ok(table.to_string())
}
