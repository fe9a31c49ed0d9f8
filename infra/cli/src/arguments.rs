//! The command line.

mod cognito;
mod incidents;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use palisade_core::{Role, Zone};

use crate::replay::scenario::Scenario;

pub use cognito::{CognitoCommand, PoolArguments, TokenVersion};
pub use incidents::IncidentsCommand;

/// Operates a Palisade deployment. Table names, keys, region, endpoint and credentials are read from the same variables as the functions
/// read them from.
#[derive(Debug, Parser)]
#[command(name = "palisade", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes accounts out of Django's users, who then sign in with the passwords they have.
    ///
    /// Can be started again at any time: accounts that are there already are left as they are.
    ImportDjango {
        /// What `manage.py dumpdata auth.user` wrote, optionally with a password history in it.
        dump: PathBuf,
        /// The user model.
        #[arg(long, default_value = "auth.user")]
        model: String,
        /// The model of old passwords: fields `user`, `password` and `created_at`.
        #[arg(long)]
        history_model: Option<String>,
        /// Where to write the report as JSON; standard output without it.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Attaches the triggers to a Cognito user pool that is there already.
    Cognito {
        /// How.
        #[command(subcommand)]
        command: CognitoCommand,
    },
    /// On a deployment's tables.
    #[command(flatten)]
    Deployment(DeploymentCommand),
    /// On files alone.
    #[command(flatten)]
    Files(FileCommand),
}

/// What needs a deployment.
#[derive(Debug, Subcommand)]
pub enum DeploymentCommand {
    /// Refuses a network for a while, within thirty seconds everywhere: everything but `/logout`, `/health` and `/password/policy`.
    Block {
        /// An address or a network such as `203.0.113.0/24`.
        #[arg(value_parser = network)]
        network: IpNet,
        /// For how long, such as `90s`, `30m`, `2h` or `7d`.
        #[arg(long = "for", value_parser = span)]
        span: Duration,
    },
    /// Ends a block.
    Unblock {
        /// The network that was blocked.
        #[arg(value_parser = network)]
        network: IpNet,
    },
    /// Lists the blocked networks.
    Blocks,
    /// Says why a name is refused or not, rule by rule, from the counters as they stand.
    Why {
        /// The name.
        identifier: String,
        /// The address it comes from, for the limits of that as well.
        #[arg(long)]
        ip: Option<IpAddr>,
    },
    /// Ends the delay of a name and opens it to unknown devices again.
    Unlock {
        /// The name.
        identifier: String,
    },
    /// Ends all sessions of an account, at once.
    Revoke {
        /// The account's name.
        identifier: String,
        /// Also forgets its known devices.
        #[arg(long)]
        devices: bool,
    },
    /// Makes, changes and removes accounts.
    Account {
        /// What.
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Works on incidents.
    Incidents {
        /// How.
        #[command(subcommand)]
        command: IncidentsCommand,
    },
    /// Says how many users have moved into a user pool, and how many are left.
    MigrationStatus {
        /// Removes the old passwords of those who were let in over a week ago and did not come.
        #[arg(long)]
        remove_overdue: bool,
    },
    /// Lists what operators did.
    Actions,
}

/// What needs none.
#[derive(Debug, Subcommand)]
pub enum FileCommand {
    /// Says what decided a request, from the log.
    Explain {
        /// The `decision_id` of the log, which is the `request_id` of the answer.
        id: String,
        /// The log: a file of JSON lines or what `aws logs filter-log-events` printed, `-` for standard input.
        #[arg(long, required_unless_present = "log_group", conflicts_with = "log_group")]
        log: Option<PathBuf>,
        /// A group of `CloudWatch` Logs, such as `/aws/lambda/login`, which the `aws` command reads.
        #[arg(long)]
        log_group: Option<String>,
    },
    /// Plays the logins of a log under another policy and prints the difference.
    Replay {
        /// The log: a file of JSON lines.
        log: PathBuf,
        /// The other policy as TOML: settings in small letters without `PALISADE_`, such as `auth_requests_per_ip = 100`.
        #[arg(long)]
        policy: PathBuf,
        /// Where to draw the attempts over time, as SVG.
        #[arg(long)]
        plot: Option<PathBuf>,
    },
    /// Makes up a log of an attack, or of ordinary people in an awkward place, to replay.
    Scenario {
        /// What happens.
        #[arg(value_enum)]
        scenario: Scenario,
        /// Where to write the log.
        #[arg(long)]
        to: PathBuf,
        /// The policy it is played against, as TOML; `seed` without it.
        #[arg(long)]
        policy: Option<PathBuf>,
        /// How many attempts or people.
        #[arg(long)]
        size: Option<u32>,
        /// The same seed makes the same log.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

/// What to do with an account.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Makes an account with a password that must be changed at the first login; it is printed once.
    Create {
        /// The name to sign in with.
        identifier: String,
        /// Where notices go, where the name is no e-mail address.
        #[arg(long)]
        email: Option<String>,
        /// What it may do.
        #[arg(long, value_enum, default_value = "regular")]
        role: RoleArgument,
        /// Where its owner lives, such as `Europe/Berlin`.
        #[arg(long, value_parser = zone)]
        time_zone: Option<Zone>,
    },
    /// Gives an account another role; its sessions end.
    Role {
        /// The account's name.
        identifier: String,
        /// The role.
        #[arg(value_enum)]
        role: RoleArgument,
    },
    /// Switches an account off; its sessions end. To everybody else it looks like a wrong password.
    Disable {
        /// The account's name.
        identifier: String,
    },
    /// Switches an account on again.
    Enable {
        /// The account's name.
        identifier: String,
    },
    /// Says where an account's owner lives.
    TimeZone {
        /// The account's name.
        identifier: String,
        /// The time zone, such as `Europe/Berlin`.
        #[arg(value_parser = zone)]
        zone: Zone,
    },
    /// Removes an account with its sessions and its old passwords.
    ///
    /// Messages under way, incidents and the counts of its devices stay until they age. Can be started again when it was cut off.
    Delete {
        /// The account's name.
        identifier: String,
        /// The account's public id, so that nobody is removed by a slip: `palisade account export` shows it.
        #[arg(long)]
        account_id: String,
    },
    /// Prints an account, its sessions and the times of its old passwords as JSON, without anything that signs in.
    Export {
        /// The account's name.
        identifier: String,
    },
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleArgument {
    /// Itself only.
    Regular,
    /// Incidents as well.
    Staff,
    /// Everything an operator may do.
    Superuser,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::Regular => Self::Regular,
            RoleArgument::Staff => Self::Staff,
            RoleArgument::Superuser => Self::Superuser,
        }
    }
}

pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| address()).map_err(|_| "is no address and no network".to_owned())
}

fn zone(name: &str) -> Result<Zone, String> {
    Zone::parse(name).ok_or_else(|| "is no IANA time zone".to_owned())
}

/// The longest span: a year.
const LONGEST: Duration = Duration::from_hours(366 * 24);

pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a number with s, m, h or d".to_owned();
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let span = Duration::from_secs(number.saturating_mul(seconds));
    if span.is_zero() || span > LONGEST { Err("must be more than nothing and at most a year".to_owned()) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit_and_an_end() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("7d", 604_800)] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "2", "h", "2w", "-1h", "0s", "367d", "99999999999999999999h", "2\u{fc}"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        assert_eq!(network("203.0.113.7").map(|network| network.to_string()), Ok("203.0.113.7/32".to_owned()));
        assert!(network("203.0.113").is_err());
    }
}
