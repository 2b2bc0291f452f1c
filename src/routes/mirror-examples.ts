import type { ResponseExample } from './examples.js'

type Examples = Readonly<Record<string, ResponseExample>>

export const lowStockExamples: Examples = {}
export const whereUsedExamples: Examples = {}
export const checkExamples: Examples = {}
export const adjustExamples: Examples = {}
