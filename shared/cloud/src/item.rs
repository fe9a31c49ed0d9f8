//! Reads attributes out of items, believing nothing about their types.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::types::AttributeValue;
use palisade_core::Timestamp;
use palisade_core::throttle::Stored;

/// An item as DynamoDB returns it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn owned(item: &Item, name: &str) -> Option<String> {
    text(item, name).map(str::to_owned)
}

/// A number of any size, or why there is none.
pub(crate) fn stored(item: &Item, name: &str) -> Stored {
    match item.get(name) {
        None => Stored::Missing,
        Some(AttributeValue::N(digits)) => digits.parse().map_or(Stored::Unreadable, Stored::Number),
        Some(_) => Stored::Unreadable,
    }
}

pub(crate) fn number<T: TryFrom<i128>>(item: &Item, name: &str) -> Option<T> {
    match stored(item, name) {
        Stored::Number(number) => T::try_from(number).ok(),
        Stored::Missing | Stored::Unreadable => None,
    }
}

/// A time in milliseconds.
pub(crate) fn time(item: &Item, name: &str) -> Option<Timestamp> {
    number(item, name).map(Timestamp::from_millis)
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn n(number: impl Display) -> AttributeValue {
    AttributeValue::N(format!("{number}"))
}

/// A time in milliseconds.
pub(crate) fn millis(at: Timestamp) -> AttributeValue {
    n(at.millis())
}

/// A time in seconds: the unit of a TTL.
pub(crate) fn ttl(at: Timestamp) -> AttributeValue {
    n(at.seconds())
}

/// An attribute that may be missing, but not be wrong: `None` when it is.
#[expect(clippy::option_option, reason = "missing is fine, unreadable is not")]
pub(crate) fn optional<T>(item: &Item, name: &str, read: impl Fn(&AttributeValue) -> Option<T>) -> Option<Option<T>> {
    match item.get(name) {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}
