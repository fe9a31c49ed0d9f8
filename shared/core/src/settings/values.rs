//! The forms of single values.

use ipnet::IpNet;

use super::{IdentifierKind, LogLevel};

/// DynamoDB's naming rule: 3 to 255 characters of `a-zA-Z0-9_.-`.
pub(super) fn table_name(name: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (3..=255).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err("is no DynamoDB table name".into())
    }
}

/// `scheme://host[:port]`, as browsers write it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    match host {
        Some(host) if !host.is_empty() && host.bytes().all(plain) => Ok(text.to_owned()),
        _ => Err("must be an origin such as https://auth.example.com, in lower case and without a path".into()),
    }
}

pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| "must be addresses or networks such as 192.0.2.0/24".into())
}

pub(super) fn identifier_kind(word: &str) -> Result<IdentifierKind, String> {
    match word {
        "email" => Ok(IdentifierKind::Email),
        "username" => Ok(IdentifierKind::Username),
        _ => Err("must be email or username".into()),
    }
}

/// `https://…`, or `http://` on this machine, without query and without a slash at the end.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\\"".contains(&byte));
    let is_safe = text.starts_with("https://") || (text.starts_with("http://") && is_loopback(text));
    if is_plain && is_safe { Ok(text.trim_end_matches('/').to_owned()) } else { Err("must be an https URL without query".into()) }
}

pub(super) fn log_level(word: &str) -> Result<LogLevel, String> {
    match word {
        "error" => Ok(LogLevel::Error),
        "warn" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        "trace" => Ok(LogLevel::Trace),
        _ => Err("must be error, warn, info, debug or trace".into()),
    }
}

/// Whether `url` names this machine by a loopback address or as `localhost`.
pub fn is_loopback(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
