//! `palisade why`: the counters as they stand, rule by rule.

use std::net::IpAddr;

use palisade_cloud::accounts::Found;
use palisade_cloud::counters::LaneKey;
use palisade_core::ip_window::{self, IpWindow};
use palisade_core::throttle::{Lane, LaneRules};
use palisade_core::{ClientIp, Status, Timestamp, route, user_rate};

use crate::operator::Operator;
use crate::table::Table;

pub(crate) async fn why(operator: &Operator, identifier: &str, ip: Option<IpAddr>) -> Result<String, String> {
    let (_, key) = operator.key(identifier)?;
    let (now, policy) = (operator.now(), &operator.policy);
    let common = LaneKey::common(&key);
    let (found, lane, logins, overall) = tokio::join!(
        operator.accounts.get(&key),
        operator.counters.lane(&common, now, &policy.common_lane),
        operator.counters.logins(&key),
        operator.counters.overall(user_rate::hour_of(now)),
    );
    let chain = |fault: palisade_core::Fault| fault.chain();
    let (found, lane, logins, overall) =
        (found.map_err(chain)?, lane.map_err(chain)?, logins.map_err(chain)?, overall.map_err(chain)?);
    let mut text =
        vec![format!("policy {}, limits {}", policy.profile.as_str(), if policy.enforced { "enforced" } else { "only monitored" })];
    text.push(format!("account {} ({})", status(&found, now, policy.password_max_age), operator.keys.pseudonym(key.as_str())));
    let mut table = Table::new(["rule", "count", "limit", "until", "says"]);
    let rules = &policy.anomaly;
    table.row(delay_row(&lane.lane, &policy.common_lane, now));
    table.row([
        "failures in a row".to_owned(),
        lane.lane.in_a_row().to_string(),
        policy
            .common_lane
            .closes_at
            .map_or_else(|| format!("{} is brute force", rules.failures_in_a_row), |closes| format!("{closes} closes")),
        "a success or a reset".to_owned(),
        if lane.lane.is_closed(&policy.common_lane) { "refuses unknown devices" } else { "passes" }.to_owned(),
    ]);
    table.row([
        "logins of the hour".to_owned(),
        logins.logins(now).to_string(),
        rules.logins_per_hour.to_string(),
        String::new(),
        "never refuses".to_owned(),
    ]);
    table.row([
        "addresses of the day".to_owned(),
        logins.addresses(now).to_string(),
        rules.addresses_per_day.to_string(),
        String::new(),
        "never refuses".to_owned(),
    ]);
    table.row([
        "failures of everybody".to_owned(),
        overall.failures.to_string(),
        rules.failures_per_hour.to_string(),
        user_rate::end_of(user_rate::hour_of(now)).to_string(),
        "never refuses".to_owned(),
    ]);
    if let Found::Account(account) = &found {
        let hour = user_rate::hour_of(now);
        let requests = operator.counters.requests(&key, hour).await.map_err(chain)?;
        let limit = policy.user.of(account.role);
        table.row(limit_row("user_rate_limit", requests, limit, user_rate::end_of(hour), policy.enforced));
    }
    if let Some(ip) = ip {
        address(operator, ClientIp::Known(ip), now, &mut table).await?;
    }
    text.push(table.to_string());
    Ok(text.join("\n"))
}

fn status(found: &Found, now: Timestamp, max_age: Option<std::time::Duration>) -> String {
    match found {
        Found::Nothing => "does not exist".to_owned(),
        Found::Corrupt => "cannot be read".to_owned(),
        Found::Account(account) => {
            let status = if account.status == Status::Active { "is active" } else { "is disabled: every password is wrong" };
            let must = account
                .must_change(now, max_age)
                .map_or_else(String::new, |why| format!(", must change its password ({})", why.as_str()));
            let password = if account.has_password() { "" } else { ", has no password" };
            format!("{} {status}{must}{password}", account.subject.as_str())
        }
    }
}

fn delay_row(lane: &Lane, rules: &LaneRules, now: Timestamp) -> [String; 5] {
    let refuses = now < lane.not_before;
    [
        "login_delay".to_owned(),
        lane.failures().to_string(),
        format!("{} s at most", rules.delay_cap.as_secs()),
        if refuses { lane.not_before.to_string() } else { String::new() },
        if refuses { "refuses unknown devices" } else { "passes" }.to_owned(),
    ]
}

fn limit_row(rule: &str, count: u64, limit: u64, until: Timestamp, enforced: bool) -> [String; 5] {
    let says = match (count >= limit, enforced) {
        (false, _) => "passes",
        (true, true) => "refuses",
        (true, false) => "would refuse",
    };
    [rule.to_owned(), count.to_string(), limit.to_string(), until.to_string(), says.to_owned()]
}

/// The limits of an address, without a request of its own among the counts, and whether it is blocked.
async fn address(operator: &Operator, ip: ClientIp, now: Timestamp, table: &mut Table) -> Result<(), String> {
    let window = IpWindow::at(ip.prefix(), now);
    let counts = operator.counters.window(&window).await.map_err(|fault| fault.chain())?;
    for rule in ip_window::rules(&window, &counts, route::LOGIN, &operator.policy.ip) {
        table.row(limit_row(rule.rule.as_str(), rule.count, rule.limit, rule.until, operator.policy.enforced));
    }
    let blocks = operator.counters.blocks().await.map_err(|fault| fault.chain())?.blocks;
    let until = blocks.iter().find(|block| now < block.until && ip.is_in(&[block.network])).map(|block| block.until);
    let says = if until.is_some() { "refuses everything" } else { "passes" };
    table.row([
        "blocked".to_owned(),
        String::new(),
        String::new(),
        until.map_or_else(String::new, |until| until.to_string()),
        says.to_owned(),
    ]);
    Ok(())
}
