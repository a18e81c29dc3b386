// Schemas: one declaration of settings from which types, defaults, checks and options derive.

export type {BooleanField, ChoiceField, Field, NumberField, Schema, Settings, TextField} from './schema.js';
export {choice, flag, integer, number, parseSettings, SettingError, text, withDefaults} from './schema.js';
