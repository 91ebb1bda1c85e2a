"""The words of the domain: identifiers, enums and frozen records; nothing here does anything."""
