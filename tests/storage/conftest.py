"""These tests train: they share compiled programs."""

from tests.compiled_programs import compiled_programs as compiled_programs
