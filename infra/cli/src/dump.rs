//! Reads what Django's `dumpdata` writes of users and, where there is one, of a password history.

use std::collections::HashMap;
use std::time::Duration;

use palisade_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A user as Django dumped it.
#[derive(Debug, Clone)]
pub struct User {
    /// Its primary key, for the report.
    pub pk: String,
    /// What Django holds of it.
    pub fields: UserFields,
    /// Its older passwords, newest first.
    pub history: Vec<OldPassword>,
}

/// The fields of `auth.user`; others are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct UserFields {
    /// The encoded hash.
    #[serde(default)]
    pub password: String,
    /// The user name.
    #[serde(default)]
    pub username: String,
    /// Given name.
    #[serde(default)]
    pub first_name: String,
    /// Family name.
    #[serde(default)]
    pub last_name: String,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Whether the user is an operator.
    #[serde(default)]
    pub is_staff: bool,
    /// Whether the user may do everything.
    #[serde(default)]
    pub is_superuser: bool,
    /// Whether the user may sign in.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// When the user was made.
    #[serde(default)]
    pub date_joined: Option<String>,
}

fn yes() -> bool {
    true
}

/// A password somebody had before.
#[derive(Debug, Clone)]
pub struct OldPassword {
    /// The encoded hash.
    pub password: String,
    /// When it was kept.
    pub at: Timestamp,
}

#[derive(Deserialize)]
struct Row {
    model: String,
    pk: Value,
    fields: Value,
}

#[derive(Deserialize)]
struct HistoryFields {
    user: Value,
    #[serde(alias = "password_hash", alias = "encoded_password")]
    password: String,
    #[serde(alias = "created", alias = "date", alias = "timestamp", alias = "changed_at")]
    created_at: String,
}

/// What a dump held.
#[derive(Debug)]
pub struct Dump {
    /// The users, in the dump's order.
    pub users: Vec<User>,
    /// Rows that could not be read, by model and key.
    pub unreadable: Vec<String>,
}

/// The users of `model` in `text`, with their passwords of `history_model`. Rows of other models are ignored.
///
/// # Errors
/// Why the text is no dump.
pub fn read(text: &str, model: &str, history_model: Option<&str>) -> Result<Dump, String> {
    let rows: Vec<Row> = serde_json::from_str(text).map_err(|error| {
        // The parser's own words could repeat a hash.
        format!("not the form of dumpdata (line {}, column {})", error.line(), error.column())
    })?;
    let mut dump = Dump { users: Vec::new(), unreadable: Vec::new() };
    let mut history: HashMap<String, Vec<OldPassword>> = HashMap::new();
    for row in rows {
        let pk = key(&row.pk);
        if row.model == model {
            match serde_json::from_value(row.fields) {
                Ok(fields) => dump.users.push(User { pk, fields, history: Vec::new() }),
                Err(_) => dump.unreadable.push(format!("{model} {pk}")),
            }
        } else if Some(row.model.as_str()) == history_model {
            match serde_json::from_value::<HistoryFields>(row.fields).ok().and_then(old_password) {
                Some((user, old)) => history.entry(user).or_default().push(old),
                None => dump.unreadable.push(format!("{} {pk}", row.model)),
            }
        }
    }
    for user in &mut dump.users {
        user.history = history.remove(&user.pk).unwrap_or_default();
        user.history.sort_by_key(|old| std::cmp::Reverse(old.at));
    }
    Ok(dump)
}

fn old_password(fields: HistoryFields) -> Option<(String, OldPassword)> {
    Some((key(&fields.user), OldPassword { password: fields.password, at: moment(&fields.created_at)? }))
}

/// Keys are numbers or texts.
fn key(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A time as Django writes it; one without a zone is taken for UTC.
pub fn moment(text: &str) -> Option<Timestamp> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339)).ok()?;
    let millis = u64::try_from(parsed.unix_timestamp_nanos() / 1_000_000).ok()?;
    Some(Timestamp::EPOCH.plus(Duration::from_millis(millis)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        for text in ["2024-05-01T10:00:00.123Z", "2024-05-01T12:00:00.123+02:00", "2024-05-01T10:00:00.123"] {
            assert_eq!(moment(text).map(Timestamp::millis), Some(1_714_557_600_123), "{text}");
        }
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn what_is_no_dump_is_told_by_its_place_alone() {
        let error = read("[{\"model\": \"auth.user\", \"pk\": 1, \"fields\": {\"password\": \"canary\"}},]", "auth.user", None);
        let told = error.map(|_| ()).map_err(|error| error.contains("column") && !error.contains("canary"));
        assert_eq!(told, Err(true));
    }
}
