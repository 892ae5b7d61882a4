//! A list is no object.
//!
//! What is derived for a struct reads it from a list too, its fields one after another: a format
//! of files that nobody means to offer here, and that the document forbids. JSON that has a list
//! is read once more by this, which refuses one in the place of an object, at whatever depth.

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde_json::{Error, Map, Value};

/// A value as it was sent.
pub(super) struct Strict(pub Value);

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(fields) => visitor.visit_map(Fields::of(fields)),
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // What a variant holds is read as the library reads it: ours are names alone, or tagged,
        // which come by `deserialize_any`.
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &"an object")),
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let item = self.0.next();
        item.map(|item| seed.deserialize(Strict(item))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Fields {
    rest: serde_json::map::IntoIter,
    value: Option<Value>,
}

impl Fields {
    fn of(fields: Map<String, Value>) -> Self {
        Self {
            rest: fields.into_iter(),
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.value.take().unwrap_or_default();
        seed.deserialize(Strict(value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, de::DeserializeOwned};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[serde(default)]
        note: Option<String>,
        #[serde(default)]
        lines: Vec<Line>,
        #[serde(default)]
        by_name: BTreeMap<String, Line>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Line {
        count: Count,
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Count(u32);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Good,
    }

    fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
        let value = serde_json::from_str(json).unwrap();
        T::deserialize(Strict(value)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_library_reads_is_read_the_same() {
        for json in [
            "{}",
            r#"{"note": null}"#,
            r#"{"note": "a", "lines": []}"#,
            r#"{"lines": [{"count": 3, "kind": "good"}]}"#,
            r#"{"by_name": {"b": {"kind": "good", "count": 1}, "a": {"count": 2, "kind": "good"}}}"#,
        ] {
            let usual: Order = serde_json::from_str(json).unwrap();
            assert_eq!(read::<Order>(json), Ok(usual), "{json}");
        }
        assert_eq!(
            read::<Vec<Option<u8>>>("[1, null]"),
            Ok(vec![Some(1), None])
        );
        assert!(read::<Order>(r#"{"other": 1}"#).is_err());
        assert!(read::<Order>(r#"{"lines": [{"count": -1, "kind": "good"}]}"#).is_err());
    }

    #[test]
    fn a_list_is_no_object_at_whatever_depth() {
        for json in [
            "[]",
            "[null, [], {}]",
            r#"{"lines": [[3, "good"]]}"#,
            r#"{"by_name": {"a": [3, "good"]}}"#,
        ] {
            let told = read::<Order>(json).unwrap_err();
            assert!(told.contains("an object"), "{json}: {told}");
        }
    }
}
