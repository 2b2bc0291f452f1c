export const stockExamples = {}
