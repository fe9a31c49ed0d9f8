//! From a command to what is printed.

use palisade_core::Status;
use palisade_core::incident::record::Action;
use palisade_flows::incidents::Filter;

use crate::accounts::{self, New};
use crate::arguments::{AccountCommand, DeploymentCommand, FileCommand, IncidentsCommand};
use crate::operator::Operator;
use crate::table::Table;
use crate::{blocks, explain, incidents, migration, replay, why};

/// Carries `command` out, and returns what to print.
///
/// # Errors
/// Why it was not carried out, for whoever typed it.
pub fn on_files(command: FileCommand) -> Result<String, String> {
    match command {
        FileCommand::Explain { id, log, log_group } => explain::explain(&id, log.as_deref(), log_group.as_deref()),
        FileCommand::Replay { log, policy, plot } => replay::replay(&log, &policy, plot.as_deref()),
        FileCommand::Scenario { scenario, to, policy, size, seed } => replay::make(scenario, policy.as_deref(), size, seed, &to),
    }
}

/// Carries `command` out on the deployment of `operator`, and returns what to print.
///
/// # Errors
/// Why it was not carried out, for whoever typed it.
pub async fn on_a_deployment(command: DeploymentCommand, operator: &Operator) -> Result<String, String> {
    match command {
        DeploymentCommand::Block { network, span } => blocks::block(operator, network, span).await,
        DeploymentCommand::Unblock { network } => blocks::unblock(operator, network).await,
        DeploymentCommand::Blocks => blocks::list(operator).await,
        DeploymentCommand::Why { identifier, ip } => why::why(operator, &identifier, ip).await,
        DeploymentCommand::Unlock { identifier } => accounts::unlock(operator, &identifier).await,
        DeploymentCommand::Revoke { identifier, devices } => accounts::revoke(operator, &identifier, devices).await,
        DeploymentCommand::Account { command } => account(command, operator).await,
        DeploymentCommand::Incidents { command } => incidents(command, operator).await,
        DeploymentCommand::MigrationStatus { remove_overdue } => migration::status(operator, remove_overdue).await,
        DeploymentCommand::Actions => actions(operator).await,
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

async fn incidents(command: IncidentsCommand, operator: &Operator) -> Result<String, String> {
    match command {
        IncidentsCommand::List { status, severity, kind, most } => {
            incidents::list(operator, &Filter { statuses: status, severities: severity, kind }, most).await
        }
        IncidentsCommand::Show { id } => incidents::show(operator, &id).await,
        IncidentsCommand::Assign { id, to } => incidents::act(operator, &id, Action::Assign(Some(to))).await,
        IncidentsCommand::Note { id, note } => incidents::act(operator, &id, Action::Note(note)).await,
        IncidentsCommand::Resolve { id, resolution, false_positive: false } => {
            incidents::act(operator, &id, Action::Resolve(resolution)).await
        }
        IncidentsCommand::Resolve { id, resolution, false_positive: true } => {
            incidents::act(operator, &id, Action::FalsePositive(resolution)).await
        }
        IncidentsCommand::Redrive { since, mail } => incidents::redrive(operator, since, mail).await,
        IncidentsCommand::SetAside => incidents::set_aside(operator).await,
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
